"""A workspace as a manifest, and a manifest applied to it: all of it, or nothing at all."""

from dogwatch.web.manifest.whole import Applied, apply, export, judge, read, refused

__all__ = ["Applied", "apply", "export", "judge", "read", "refused"]
