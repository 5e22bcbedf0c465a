"""Probes: what is asked, what the answer must say, when it is asked, and who must agree."""
