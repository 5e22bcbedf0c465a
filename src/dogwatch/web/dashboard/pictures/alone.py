"""A picture of a page as a document of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

# Colours that can be told on white.
STYLE = (
    "svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#1b2422}"
    ".ok,.up,.running{fill:#226a4a}.slow,.degraded{fill:#8a5a00}"
    ".down,.fail,.timeout,.missed{fill:#a3261d}.durations .fail{stroke:#a3261d;stroke-width:2}"
    ".new,.paused,.skipped,.suppressed,.unknown,.together{fill:#7d8a85}"
    ".coming{fill:none;stroke:#55625d}.now{stroke:#a3261d}"
    ".flow rect{fill:#fff;stroke:#55625d}.flow text{text-anchor:middle}"
    ".flow .edge path{fill:none;stroke:#55625d}.flow .edge .head{fill:#55625d}"
    ".flow .failure path{stroke-dasharray:6 4}.flow .condition path{stroke-dasharray:2 4}"
    ".flow .edge .gate{fill:#fff;stroke-dasharray:none}.flow .success path{stroke-width:2}"
    ".flow .critical path{stroke:#1b2422;stroke-width:4}.flow .critical rect{stroke-width:3}"
    ".flow .edge .head{stroke:none}"
    ".edit{stroke:#1b2422}.paused{fill:none;stroke:#7d8a85}"
    ".load text{text-anchor:middle}.load .day{text-anchor:start}.load .some{fill:#226a4a}"
    ".load .none{fill:#eef1ef}.load .on{fill:#fff}"
    ".replies .p50,.replies .p95{fill:none;stroke:#226a4a;stroke-width:2}"
    ".replies .p95{stroke-dasharray:5 4}.replies .ok{fill:#7d8a85}"
    ".replies .fail{stroke:#a3261d;stroke-width:2}"
    ".dns{fill:#9ccbb4}.connect{fill:#5d9f80}.tls{fill:#8a5a00}.first_byte{fill:#226a4a}"
    ".body{fill:#7d8a85}"
    ".expectation text{text-anchor:middle}.expectation .begin{text-anchor:start}"
    ".expectation .axis,.rail{stroke:#7d8a85}"
    ".expectation .due{fill:#226a4a}.late,.alert-held,.snoozed{fill:#8a5a00}"
    ".alert,.alert-failed{fill:#a3261d}.gap{fill:#55625d;text-anchor:end}"
    ".recovered,.closed,.acknowledged,.alert-sent{fill:#226a4a}"
    ".tick{stroke:#d5dcd8;fill:none}.grid{stroke:#d5dcd8}.up{text-anchor:end}.along{text-anchor:middle}"
    ".band{fill:#e0f1e8}.limit{stroke:#8a5a00;stroke-dasharray:6 4}"
)
_NAMESPACE = Markup('<svg xmlns="http://www.w3.org/2000/svg" ')
_STYLE = Markup("<style>{}</style>")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it stands on its page, and its numbers."""

    drawn: Markup
    numbers: Mapping[str, Any]

    @property
    def alone(self) -> Markup:
        """The picture as a document."""
        return alone(self.drawn)


def alone(drawn: Markup) -> Markup:
    """Return the picture with its namespace and its colours, unless it has them."""
    if drawn.startswith(_NAMESPACE):
        return drawn
    head, _, rest = str(drawn).removeprefix("<svg ").partition(">")
    return _NAMESPACE + Markup(f"{head}>") + _STYLE.format(STYLE) + Markup(rest)  # noqa: S704 (ours)
