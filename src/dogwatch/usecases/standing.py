"""What stands while nobody changes it: the rules and channels of a workspace, kept between alerts.

They may be thousands, and a storm of flips comes in many transactions. The workspace's
`rules_version`, read in each of these, tells whether what is kept still holds: it is drawn at
random, so that neither a change that is rolled back nor another database brings it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from dogwatch.core.alerts import group_window_s, tells_of_one
from dogwatch.core.rulebook import Rulebook
from dogwatch.store import channels, rules, workspaces
from dogwatch.store.tx import Tx

MOST_KEPT = 256


@dataclass(frozen=True, slots=True)
class Standing:
    """The rules, and for how many seconds each channel collects flips for one message.

    `of_one` are the channels each of whose messages is about one watch.
    """

    rules: Rulebook
    group_windows_s: Mapping[str, int]
    of_one: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tx: Tx, workspace_id: int) -> Self:
        """Read them."""
        found = channels.of_workspace(tx, workspace_id)
        windows = {one.id: group_window_s(one.kind, one.group_window_s) for one in found}
        of_one = frozenset(one.id for one in found if tells_of_one(one.kind, one.settings))
        return cls(Rulebook.of(rules.of_workspace(tx, workspace_id)), windows, of_one)


_kept: dict[str, Standing] = {}


def standing(tx: Tx, workspace_id: int) -> Standing:
    """Return what stands in a workspace, read again only if it has changed."""
    workspace = workspaces.get(tx, workspace_id)
    version = workspace.rules_version if workspace else ""
    found = _kept.get(version)
    if found is None:
        found = Standing.of(tx, workspace_id)
        _keep(version, found)
    return found


def _keep(version: str, found: Standing) -> None:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()  # all are read again; one by one would cost each alert more
    if version:
        _kept[version] = found
