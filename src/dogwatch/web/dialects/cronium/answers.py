"""Answers as Cronium lays them out: {success, data, message, timestamp}, with the members of `data`
once more beside them, since its document shows both forms."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from dogwatch.core.instants import iso_s
from dogwatch.web.dialect.times import Instant


class Shape(BaseModel):
    """What is shown, by names like lastRunAt."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Pagination(Shape):
    """Which part of a list this is."""

    page: int
    limit: int
    total: int
    pages: int


class PageAsked(BaseModel):
    """Which part of a list."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 10

    def pagination(self, total: int) -> Pagination:
        """Return which part of `total` things is shown."""
        return Pagination(
            page=self.page, limit=self.limit, total=total, pages=-(-total // self.limit)
        )


class Nothing(Shape):
    """Where there is nothing to show."""


def enveloped(data: type[Shape]) -> type[BaseModel]:
    """Return the model of the whole answer that shows `data`."""
    members: dict[str, Any] = {
        name: (field.annotation, ...) for name, field in data.model_fields.items()
    }
    return create_model(
        f"{data.__name__}Answer",
        __base__=Shape,
        success=(Literal[True], True),
        data=(data, ...),
        message=(str, ...),
        timestamp=(Instant, ...),
        **members,
    )


def answer(data: Shape, message: str, at: datetime, status: int = 200) -> Response:
    """Answer with `data`."""
    members = data.model_dump(mode="json", by_alias=True)
    said = {"success": True, "data": members, "message": message, "timestamp": iso_s(at), **members}
    return Response(json.dumps(said, ensure_ascii=False), status, media_type="application/json")


def listed(noun: str, some: Sequence[object]) -> str:
    """Return the message of a list."""
    return f"{len(some)} {noun} retrieved successfully"
