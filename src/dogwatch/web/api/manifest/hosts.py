"""Which hosts a manifest names, and where: those are refused that nothing here may connect to."""

from collections.abc import Callable, Mapping

from dogwatch.core.manifest.said import Told
from dogwatch.core.manifest.text import Document
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases.probes import HERE, ProbeSpec
from dogwatch.web.reach import Hosts, hosts_of_action, hosts_of_channel, hosts_of_probe


def hosts_of(document: Document) -> Hosts:
    """Return the hosts that a judged manifest names, by field, such as `jobs.0.action.url`."""
    return {
        f"{section}.{number}.{field}": host
        for section, of in _OF.items()
        for number, told in enumerate(document.get(section, ()))
        for field, host in of(told).items()
    }


def _of_probe(told: Told) -> Hosts:
    places = tuple(told.get("locations") or (HERE,))
    return hosts_of_probe(ProbeSpec(WatchSpec(name=""), told["target"], locations=places))


_OF: Mapping[str, Callable[[Told], Hosts]] = {
    "channels": lambda told: hosts_of_channel(told["kind"], told["settings"]),
    "probes": _of_probe,
    "jobs": lambda told: hosts_of_action(told["action"]),
}
