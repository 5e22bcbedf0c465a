"""What was said of a workspace, read at one time: what is exported, and what files are held
against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.isolation import Least
from dogwatch.core.manifest.said import Told
from dogwatch.core.plans import Plan as Allowance
from dogwatch.core.workflow.definition import Definition
from dogwatch.usecases import (
    allowances,
    channels,
    dependencies,
    lists,
    maintenance,
    manifests,
    projects,
    rules,
    status_pages,
    variables,
    workflows,
    workspaces,
)
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import JobRow, Record
from dogwatch.usecases.maintenance import Maintenance
from dogwatch.usecases.manifests import Thing
from dogwatch.usecases.projects import Project
from dogwatch.usecases.status_pages import StatusPage
from dogwatch.usecases.variables import Variable
from dogwatch.vault import Vault

MOST = 1_000_000
# The end of an id, which tells channels of one name apart.
_TAIL = 6


@dataclass(frozen=True, slots=True)
class Present:
    """All of one workspace; `stamp` differs once anything of it was changed.

    Items by slug, in the order of slugs; `above` what each depends on, by slug; channels by the
    key that a file names them by; `files` those that were applied; `keys` those keys by
    id, `slugs` the slugs of items by id.
    """

    workspace_id: int
    at: datetime
    vault: Vault
    stamp: bytes
    allowance: Allowance
    least_isolation: Least
    kept: Mapping[Thing, str]
    files: frozenset[str]
    items: Mapping[str, Record]
    slugs: Mapping[str, str]
    jobs: Mapping[str, JobRow]
    definitions: Mapping[str, Definition]
    above: Mapping[str, Sequence[str]]
    channels: Mapping[str, ChannelRow]
    keys: Mapping[str, str]
    rules: Sequence[Rule]
    maintenance: Sequence[Maintenance]
    variables: Mapping[str, Variable]
    projects: Mapping[str, Project]
    pages: Mapping[str, StatusPage]

    def scope(self, scope: Scope) -> Told:
        """Return how a scope is told: nothing for all; watches that are gone are left out."""
        values = sorted(scope.values)
        if scope.kind == "watches":
            values = sorted(self.slugs.get(one, one) for one in values if self.knows(one))
        return {} if scope.kind == "all" else {"scope": {"kind": scope.kind, "values": values}}

    def knows(self, name: str) -> bool:
        """Whether there is an item of this id or slug."""
        return name in self.slugs or name in self.items


def read(tx: Tx, workspace_id: int, vault: Vault, at: datetime) -> Present:
    """Return what was said of a workspace."""
    records = sorted(lists.records(tx, workspace_id), key=lambda one: one.slug)
    flows = [one for one in records if one.workflow]
    above = dependencies.parents(tx, workspace_id)
    slugs = {one.id: one.slug for one in records}
    found = keyed(channels.channel_page(tx, workspace_id, MOST, ""))
    return Present(
        workspace_id,
        at,
        vault,
        manifests.stamp(tx, workspace_id),
        allowances.plan_in(tx, workspace_id),
        workspaces.get(tx, workspace_id).least_isolation,
        manifests.all_kept(tx, workspace_id),
        frozenset(one.name for one in manifests.listed(tx, workspace_id) if one.applied_at),
        {one.slug: one for one in records},
        slugs,
        lists.jobs_of(tx, records),
        {
            own: workflows.with_slugs(one.definition, slugs)
            for own, one in workflows.presents(tx, flows).items()
        },
        {slugs[own]: parents for own, parents in above.items()},
        found,
        {row.id: key for key, row in found.items()},
        [rule for rule, _ in rules.rule_page(tx, workspace_id, MOST, "")],
        maintenance.page(tx, workspace_id),
        {one.key: one for one in variables.page(tx, workspace_id, MOST, "")},
        {one.label: one for one in projects.known(tx, workspace_id) if one.label},
        {one.slug: one for one in status_pages.listed(tx, workspace_id)},
    )


def keyed(rows: Sequence[ChannelRow]) -> dict[str, ChannelRow]:
    """Return channels by what a file calls them: a key it gave them, else their name.

    Of several with one name none has that alone: the end of its id is added, which stays.
    """
    taken = {row.key for row in rows if row.key}
    names = [row.name for row in rows if not row.key]
    alone = {name for name in names if names.count(name) == 1 and name not in taken}
    keys = {
        row.key or (row.name if row.name in alone else f"{row.name} ({row.id[-_TAIL:]})"): row
        for row in rows
    }
    return dict(sorted(keys.items()))
