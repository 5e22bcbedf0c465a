"""A status page as JSON: times in UTC, durations in seconds."""

import json
from typing import Any

from dogwatch.core.instants import iso_s
from dogwatch.core.uptime import Day, percent
from dogwatch.usecases.status_view import Component, Post, View


def written(view: View, url: str) -> str:
    """Return the document."""
    return json.dumps(
        {
            "title": view.page.title,
            "description": view.page.description,
            "url": url,
            "state": view.state,
            "updated_at": iso_s(view.at),
            "components": [_component(one) for one in view.components],
            "maintenance": [
                {
                    "names": list(one.names),
                    "start_at": iso_s(one.start_at),
                    "end_at": iso_s(one.end_at),
                }
                for one in view.works
            ],
            "incidents": [_post(one) for one in view.posts],
        },
        ensure_ascii=False,
    )


def _component(one: Component) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "uptime_percent": one.uptime_percent,
        "days": [_day(day) for day in one.days],
    }


def _day(day: Day) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "state": day.status and str(day.status),
        "uptime_percent": percent([day]),
        "down_s": round(day.down_s),
    }


def _post(one: Post) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "impact": one.impact,
        "state": one.state,
        "opened_at": iso_s(one.opened_at),
        "resolved_at": one.resolved_at and iso_s(one.resolved_at),
        "updates": [
            {"at": iso_s(told.at), "state": told.state, "text": told.text} for told in one.updates
        ],
    }
