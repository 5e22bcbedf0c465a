"""Pages of a list: `limit` 1 to 200, an opaque `cursor`, `{"data": [...], "next_cursor": ...}`."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Response
from pydantic import BaseModel

from dogwatch.core.plain import whole_number
from dogwatch.core.problems import invalid

LIMIT, MOST = 50, 200
_ID = re.compile(r"[0-9a-z]{1,26}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for: `after` is the id of the last item seen, empty at first."""

    limit: int
    after: str

    @property
    def number(self) -> int | None:
        """The id where ids are numbers."""
        if not self.after:
            return None
        number = whole_number(self.after, 18)
        if number is None:
            raise invalid("cursor", "is not one that this list gave")
        return number

    def answer(
        self, found: Sequence[T], write: Callable[[T], BaseModel], id_of: Callable[[T], object]
    ) -> Response:
        """Return the page; `found` was asked for with one item more, which tells of a next."""
        shown = found[: self.limit]
        more = len(found) > self.limit
        data = [write(item).model_dump(mode="json") for item in shown]
        cursor = _cursor(str(id_of(shown[-1]))) if more else None
        body = json.dumps({"data": data, "next_cursor": cursor}, ensure_ascii=False)
        return Response(body, media_type="application/json")

    def cut(self, found: Sequence[T], id_of: Callable[[T], str]) -> Sequence[T]:
        """Return what is asked for of a list that is short, whole and in the order of its ids."""
        return [one for one in found if id_of(one) > self.after][: self.size]

    @property
    def size(self) -> int:
        """How many items to ask for."""
        return self.limit + 1


async def page_of(
    limit: Annotated[int, Query(ge=1, le=MOST, description="Items of a page.")] = LIMIT,
    cursor: Annotated[str, Query(description="`next_cursor` of the page before.")] = "",
) -> Page:
    """Read which page is asked for."""
    return Page(limit, _after(cursor) if cursor else "")


Paged = Annotated[Page, Depends(page_of)]


def _cursor(after: str) -> str:
    return base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")


def _after(cursor: str) -> str:
    try:
        after = base64.b64decode(cursor[:64] + "==", altchars=b"-_").decode("ascii")
    except (binascii.Error, ValueError):
        after = ""
    if not _ID.fullmatch(after) or _cursor(after) != cursor:
        raise invalid("cursor", "is not one that this list gave")
    return after
