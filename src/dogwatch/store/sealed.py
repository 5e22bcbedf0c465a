"""Sealed columns, wherever they are: which values another data key made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary, Row, Select, Table, func, literal, select, update

from dogwatch.store.tables import (
    channels,
    environments,
    idempotency,
    jobs,
    users,
    variables,
    workflows,
)
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed values; None and nothing are no values."""

    table: Table
    name: str

    @property
    def _value(self) -> Column[Any]:
        return self.table.c[self.name]

    @property
    def _identity(self) -> Sequence[Column[Any]]:
        return list(self.table.primary_key.columns)

    def others(self, tx: Tx, head: bytes, limit: int) -> Sequence[Row[Any]]:
        """Return (primary key…, value) of values that don't begin with `head`, locked."""
        begins = func.substr(self._value, 1, len(head), type_=LargeBinary)
        found: Select[Any] = (
            select(*self._identity, self._value)
            .where(begins != literal(head, LargeBinary), func.length(self._value) > 0)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return tx.conn.execute(found).all()

    def any_other(self, tx: Tx, head: bytes) -> bool:
        """Whether a value is left that doesn't begin with `head`."""
        begins = func.substr(self._value, 1, len(head), type_=LargeBinary)
        left = begins != literal(head, LargeBinary)
        found = select(literal(1)).where(left, func.length(self._value) > 0).limit(1)
        return tx.conn.scalar(found) is not None

    def put(self, tx: Tx, row: Row[Any], value: bytes) -> None:
        """Put another value in place of the one that was found."""
        same = [column == row._mapping[column] for column in self._identity]
        tx.conn.execute(update(self.table).where(*same).values({self.name: value}))


CHANNELS = Sealed(channels, "sealed")
JOBS = Sealed(jobs, "action")
USERS = Sealed(users, "totp_sealed")
ANSWERS = Sealed(idempotency, "body")
VARIABLES = Sealed(variables, "sealed")
ENVIRONMENTS = Sealed(environments, "sealed")
HOOKS = Sealed(workflows, "hook")
