"""Workflows: a graph of jobs, what follows from how they ended, and how it is drawn."""
