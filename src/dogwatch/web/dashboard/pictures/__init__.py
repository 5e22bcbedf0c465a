"""Pictures, drawn on the server: each with its numbers in words."""
