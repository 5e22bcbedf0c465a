"""The only door for outbound connections; every connected address is judged at this door."""

from dogwatch.egress.door import Egress
from dogwatch.egress.message import EgressError, Kind, Phases, Request, Response
from dogwatch.egress.records import query

__all__ = ["Egress", "EgressError", "Kind", "Phases", "Request", "Response", "query"]
