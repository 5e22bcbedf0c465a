"""Times as most dialects write them: to the second, in UTC."""

from datetime import datetime
from typing import Annotated

from pydantic import PlainSerializer

from dogwatch.core.instants import iso_s

Instant = Annotated[datetime, PlainSerializer(iso_s, return_type=str)]
