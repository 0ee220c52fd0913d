"""What rows are asked for, as frozen values: the same value travels through plan, count and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from genuka_pipelines.catalog.rule import Rule


@dataclass(frozen=True)
class Due:
    """Rows whose period under `rule` is over at `as_of` (aware); without one, under any of their rules."""

    rule: Rule | None
    as_of: datetime


@dataclass(frozen=True)
class OfTenants:
    """Rows of these tenants, and with `orphans` those whose tenant nothing says."""

    tenants: frozenset[str]
    orphans: bool = False


@dataclass(frozen=True)
class OfPerson:
    """Rows of one person: kind of data subject to the keys the person has in that role."""

    keys: Mapping[str, tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True)
class Listed:
    """Rows whose keyed hash is listed: HMAC-SHA256 of `<table>␟<key>␟…` in hex, by padded key blocks."""

    hashes: frozenset[str]
    ipad: bytes = field(repr=False)
    opad: bytes = field(repr=False)


@dataclass(frozen=True)
class Rows:
    """Rows of one table by their keys, each the parts of a key as text."""

    table: str
    keys: frozenset[tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True)
class OfCategory:
    """Every row of the tables of one category, by its key `<product>/<category>`."""

    key: str


@dataclass(frozen=True)
class Everything:
    """Every row."""


@dataclass(frozen=True)
class AnyOf:
    """Rows that any of several selections asks for."""

    parts: tuple[Selection, ...]


Selection = Due | OfTenants | OfPerson | Listed | Rows | OfCategory | AnyOf | Everything


def OfTenant(tenant: str) -> OfTenants:  # noqa: N802 - one of the selections, by its name in the design
    """Rows of one tenant."""
    return OfTenants(frozenset({tenant}))


@dataclass(frozen=True)
class Hold:
    """Rows that nothing may destroy while a dispute or an inquiry lasts; `id` is the hold's own."""

    id: str
    selection: Selection
