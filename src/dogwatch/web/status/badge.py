"""The badge: a label and a state, drawn as SVG."""

from html import escape

COLOURS = {
    "operational": "#1a7f4b",
    "maintenance": "#2a5d9f",
    "degraded": "#8a5a00",
    "down": "#b3261e",
}
STYLES = ("flat", "flat-square", "for-the-badge")
LONGEST = 60
_LETTER, _MARGIN = 7, 12
_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{high}" role="img" \
aria-label="{label}: {state}"><title>{label}: {state}</title>
<clipPath id="round"><rect width="{whole}" height="{high}" rx="{round}"/></clipPath>
<g clip-path="url(#round)"><rect width="{left}" height="{high}" fill="#4a4f4d"/>\
<rect x="{left}" width="{right}" height="{high}" fill="{colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"\
{weight}><text x="{label_at}" y="{line}">{label}</text>\
<text x="{state_at}" y="{line}">{state}</text></g>
</svg>
"""


def drawn(label: str, state: str, style: str = "flat") -> str:
    """Return the picture; a style that is none is the first."""
    loud = style == "for-the-badge"
    shown = "".join(one for one in label if one.isprintable())[:LONGEST]
    words = (shown.upper(), state.upper()) if loud else (shown, state)
    left, right = (len(one) * (_LETTER + loud) + _MARGIN for one in words)
    high = 28 if loud else 20
    return _PICTURE.format(
        whole=left + right, left=left, right=right, high=high, line=high // 2 + 4,
        round=0 if style in STYLES[1:] else 3, colour=COLOURS[state],
        weight=' font-weight="bold"' if loud else "", label_at=left / 2, state_at=left + right / 2,
        label=escape(words[0]), state=words[1],
    )  # fmt: skip
