"""When each tenant's data end, read from the register of databases: the ends that are announced before they come.

A notice has to be given before anything is due, so the end itself is computed here, by the period that
the predicate compares with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from genuka_pipelines.catalog.processor import Tenants
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.table import own_column
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.moment import Moment, anchor_value
from genuka_pipelines.rows.path import Predicate
from genuka_pipelines.rows.selection import Hold
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.rows.where import held
from genuka_pipelines.systems.column_types import as_text


@dataclass(frozen=True)
class Announced:
    """A rule whose end is announced, with its category, and the table it stands on unless it is the category's."""

    category: str
    table: str
    name: str
    rule: Rule

    @property
    def subject(self) -> str:
        """The rule as notices and the ledger name it."""
        return ".".join(filter(None, (self.category, self.table, self.name)))


@dataclass(frozen=True)
class Ending:
    """One tenant: the latest `use` of what ends, its `end` by the period and the floor, or that it was `asked` for.

    `end` is None where nothing dates it, and then only its tenant can end it. `ref` names the address.
    """

    tenant: str = field(repr=False)
    ref: str = field(repr=False)
    use: datetime | None
    end: datetime | None
    asked: bool
    held: bool

    def due(self, as_of: datetime) -> bool:
        """Whether it may go."""
        return self.asked or (self.end is not None and self.end <= as_of)


def announced_rules(home: Home, registry: str) -> Iterator[Announced]:
    """Every rule that ends databases, or that gives notice of an end which the register dates; each once."""
    seen: list[Rule] = []
    for name, declared in home.declared.items():
        for rule in declared.category.rules_of(name):
            drops = name == registry and rule.action == "drop_database"
            dated = all(own_column(reference).startswith(f"{registry}.") for reference in rule.references)
            if (drops or (rule.notices and dated)) and rule not in seen:
                seen.append(rule)
                own = name if rule in declared.category.tables[name].retention else ""
                yield Announced(declared.key, own, rule.name or rule.clause, rule)


def endings(
    register: DeclaredTable, rule: Rule, tenants: Tenants, as_of: datetime, holds: Sequence[Hold] = ()
) -> tuple[Ending, ...]:
    """Every tenant of which the rule speaks and whose database was not dropped, by tenant."""
    anchors = [rule.since, *([rule.otherwise] if rule.otherwise else [])]
    triggers = (Moment(register, reference, or_flag=True).by(as_of) for reference in rule.sooner.values())
    tenant = register.column(tenants.registry_tenant)
    query = sa.select(
        as_text(tenant).label("tenant"),
        as_text(register.column(tenants.dsn)).label("ref"),
        anchor_value(register, anchors).label("use"),
        (anchor_value(register, [rule.floor.since]) if rule.floor else sa.null()).label("low"),
        _yes(sa.or_(sa.false(), *triggers)).label("asked"),
        _yes(held(register, holds)).label("held"),
    ).where(tenant.is_not(None), in_state(register, rule.when))
    if tenants.dropped is not None:
        query = query.where(register.column(tenants.dropped).is_(None))
    found = []
    for row in register.home.database.rows(query):
        end = rule.period.end(row.use) if row.use is not None else None
        if end is not None and rule.floor:
            end = max(end, rule.floor.keep.end(row.low)) if row.low is not None else None
        found.append(Ending(row.tenant, row.ref or "", row.use, end, bool(row.asked), bool(row.held)))
    return tuple(sorted(found, key=lambda ending: ending.tenant))


def _yes(predicate: Predicate) -> sa.ColumnElement[int]:
    return sa.case((predicate, 1), else_=0)
