"""Dogwatch: one program for everything that must happen on time."""

__version__ = "0.1.0"
