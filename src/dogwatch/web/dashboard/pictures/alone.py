"""A picture of a page as a document of its own."""

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
    ".band{fill:#e0f1e8}.limit{stroke:#8a5a00;stroke-dasharray:6 4}"
)
_NAMESPACE = Markup('<svg xmlns="http://www.w3.org/2000/svg" ')
_STYLE = Markup("<style>{}</style>")


def alone(drawn: Markup) -> Markup:
    """Return the picture with its namespace and its colours."""
    head, _, rest = str(drawn).removeprefix("<svg ").partition(">")
    return _NAMESPACE + Markup(f"{head}>") + _STYLE.format(STYLE) + Markup(rest)  # noqa: S704 (ours)
