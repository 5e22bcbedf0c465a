"""What has an address beside a page: each picture as .svg and .json, and pages as .json."""

from collections.abc import Awaitable, Callable, Iterator, Mapping

from fastapi import Response

from dogwatch.web.dashboard import (
    desk_facts,
    facts,
    flow,
    incident_ladder,
    item_pictures,
    load,
    timeline,
)
from dogwatch.web.dashboard.gate import Handler, signed_in
from dogwatch.web.dashboard.pages import picture, values
from dogwatch.web.dashboard.pictures.alone import Picture
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.page import Endpoint

Draw = Callable[[Visit], Awaitable[Picture]]

# Where each picture is, without the ending.
PICTURES: Mapping[str, Draw] = {
    **{f"/i/{{name}}/{name}": draw for name, draw in item_pictures.PICTURES.items()},
    "/timeline": timeline.drawn,
    "/load": load.drawn,
    "/flows/{name}/graph": flow.drawn,
    "/incidents/{name}/ladder": incident_ladder.drawn,
}


def routes() -> Iterator[tuple[str, Endpoint]]:
    """Yield the addresses; they go before those of pages, which would take them for names."""
    for path, draw in PICTURES.items():
        yield f"{path}.svg", signed_in(_alone(draw))
        yield f"{path}.json", signed_in(_numbers(draw))
    for path, tell in (facts.FACTS | desk_facts.FACTS).items():
        yield f"{path}.json", signed_in(_facts(tell))


def _alone(draw: Draw) -> Handler:
    async def answer(visit: Visit) -> Response:
        return picture((await draw(visit)).alone)

    return answer


def _numbers(draw: Draw) -> Handler:
    async def answer(visit: Visit) -> Response:
        return values((await draw(visit)).numbers)

    return answer


def _facts(tell: facts.Tell) -> Handler:
    async def answer(visit: Visit) -> Response:
        return values(await tell(visit))

    return answer
