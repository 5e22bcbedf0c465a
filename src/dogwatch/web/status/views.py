"""What pages show, worked out once in 30 seconds for all who ask meanwhile."""

import asyncio

from dogwatch.usecases import status_view
from dogwatch.usecases.status_view import View
from dogwatch.web.services import Services

FRESH_S = 30
MOST_KEPT = 500


class Views:
    """The views of pages by slug; None of those that are not there."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: dict[str, tuple[float, asyncio.Task[View | None]]] = {}

    async def get(self, slug: str) -> View | None:
        """Return a page as it was at most 30 seconds ago."""
        now = self._services.clock.monotonic()
        until, task = self._kept.get(slug, (0.0, None))
        if task is None or now >= until or _failed(task):
            task = asyncio.create_task(self._viewed(slug))
            self._kept.pop(slug, None)
            self._kept[slug] = now + FRESH_S, task
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return await asyncio.shield(task)

    async def _viewed(self, slug: str) -> View | None:
        door, at = self._services.door, self._services.clock.now()
        page = await door.aread(lambda tx: status_view.address(tx, slug))
        if page is None:
            return None
        return await door.aread(lambda tx: status_view.view(tx, page, at), page.workspace_id)


def _failed(task: "asyncio.Task[View | None]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
