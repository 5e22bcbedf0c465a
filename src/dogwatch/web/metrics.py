"""/metrics: counts for Prometheus, without names, keys or anything a workspace holds."""

import logging
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from dogwatch import __version__
from dogwatch.core.ping import Answer, Heard
from dogwatch.usecases import lists
from dogwatch.web.health import why
from dogwatch.web.latest import Latest
from dogwatch.web.services import Services

Record = Callable[[Sequence[Heard]], Awaitable[Sequence[Answer]]]

_log = logging.getLogger("dogwatch.metrics")


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._registry = CollectorRegistry()
        self._pings = Counter(
            "dogwatch_pings", "Pings by answer.", ["answer"], registry=self._registry
        )
        for answer in Answer:
            self._pings.labels(str(answer))
        build = Info("dogwatch_build", "What runs here.", registry=self._registry)
        build.info({"version": __version__, "database": services.dialect})
        ProcessCollector(registry=self._registry)
        self._text = Latest(self._written, services.clock)
        # A million watches take a second or two to count.
        self._counts = Latest(self._counted, services.clock, rest=30)

    def counted(self, record: Record) -> Record:
        """Return `record`, counting its answers."""

        async def recorded(batch: Sequence[Heard]) -> Sequence[Answer]:
            answers = await record(batch)
            for answer, count in Tally(answers).items():
                self._pings.labels(str(answer)).inc(count)
            return answers

        return recorded

    async def __call__(self, request: Request) -> Response:
        """Answer with all counts, as they are or were up to a second ago."""
        return Response(await self._text.get(), media_type=CONTENT_TYPE_LATEST)

    async def _counted(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        return await self._services.door.aread(lists.counts)

    async def _written(self) -> bytes:
        """Return all counts; those of the store are left out while it is away."""
        text = generate_latest(self._registry)
        try:
            watches, tasks = await self._counts.get()
        except Exception as error:
            _log.warning("/metrics leaves out what the store holds: %s", why(error))
            return text
        now = CollectorRegistry()
        now.register(_Gauge("dogwatch_watches", "Watches by status.", "status", watches))
        now.register(_Gauge("dogwatch_tasks", "Tasks that wait or run, by lane.", "lane", tasks))
        return text + generate_latest(now)


class _Gauge(Collector):
    """Counts by one label, as they are now."""

    def __init__(self, name: str, words: str, label: str, values: Mapping[str, int]) -> None:
        self._family = GaugeMetricFamily(name, words, labels=[label])
        for value, count in values.items():
            self._family.add_metric([value], count)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the counts."""
        yield self._family
