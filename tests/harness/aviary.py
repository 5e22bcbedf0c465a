"""Canaries: secrets that can be told from everything else, and where they were heard."""

import base64
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass
class Aviary:
    """Canaries by name, and what was said so far, by who said it."""

    canaries: dict[str, bytes] = field(default_factory=dict)
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def new(self, name: str) -> str:
        """Return a new canary, which no encoding of text leaves alone by chance."""
        canary = f"canary-{name}-4Q9zt"
        self.canaries[name] = canary.encode()
        return canary

    def hear(self, who: str, what: str | bytes) -> None:
        self.said.append((who, what.encode() if isinstance(what, str) else what))

    def found(self) -> set[tuple[str, str]]:
        """Return (canary, who said it), in whatever form."""
        return {
            (name, who)
            for name, canary in self.canaries.items()
            for who, what in self.said
            if any(form in what for form in forms(canary))
        }


def forms(canary: bytes) -> set[bytes]:
    """Return a canary as is, in hex, URL-encoded, and in base64 wherever it may begin there."""
    found = {canary, canary.hex().encode(), canary.hex().upper().encode()}
    found |= {quote(canary).encode(), quote(canary, safe="").encode()}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Letters that hold bits of a neighbour are left out.
            middle = encode(b"\0" * shift + canary)[4 if shift else 0 : -4]
            found.add(middle)
    return found
