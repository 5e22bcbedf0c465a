"""A workspace as a manifest, and a manifest applied to it: all of it, or nothing at all."""
