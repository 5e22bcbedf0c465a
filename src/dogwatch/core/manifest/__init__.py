"""A manifest: all that people said of a workspace, as a file."""
