"""The values that go into a seeding and come out of it.

Everything random or dated is drawn from a `Recipe`, so the same recipe always makes the same
Genuka; a clock or a global random state anywhere below would break that silently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from genuka_pipelines.demo.seed.errors import BadRecipe

if TYPE_CHECKING:
    from sqlalchemy import Engine

GENUKA = "genuka"
GENLETTER = "genletter"
DAY = 86_400

# MySQL's TIMESTAMP runs from 1970 to 2038; planted rows go 12 years back, tokens a year ahead.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2036, 1, 1, tzinfo=UTC)
_MOST_COMPANIES = 1_000_000
_MOST_DAYS = 3_660


def _no_media(_key: str) -> None:
    """Leave the store as it is: it forgets by itself."""


@dataclass(frozen=True)
class Target:
    """Where a seeding goes: two databases, one more per dedicated tenant, and a media store.

    `tenant_engine(ref)` opens an existing, empty or earlier seeded database for each of
    `dedicated_refs(companies)`. `put_media(key, data)` writes or overwrites one object;
    `drop_media(key)` removes one and says nothing when it is absent.
    """

    genuka: Engine
    genletter: Engine
    tenant_engine: Callable[[str], Engine]
    put_media: Callable[[str, bytes], object]
    drop_media: Callable[[str], object] = _no_media

    def engine(self, database: str) -> Engine:
        """The engine of `genuka`, `genletter` or a dedicated tenant's reference."""
        if database == GENUKA:
            return self.genuka
        return self.genletter if database == GENLETTER else self.tenant_engine(database)


@dataclass(frozen=True)
class Planted:
    """One forbidden thing in a known place: `system` is a database's name, `key` the row's id.

    `table`, `key` or `column` is empty where the thing is a whole table, column or row.
    """

    system: str
    table: str
    key: str
    column: str
    kind: str


@dataclass(frozen=True)
class Seeded:
    """What a seeding made: all rows, rows by table over all databases, forbidden things by place."""

    rows: int
    tables: dict[str, int]
    planted: list[Planted]


@dataclass(frozen=True)
class Identities:
    """Full names, e-mails and phones that a seeding wrote, each sorted and without repeats."""

    names: tuple[str, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """How much to make, from which seed, as of when; raises `BadRecipe` on nonsense."""

    companies: int
    days: int
    seed: int
    as_of: datetime
    plant: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be made, before any database is touched."""
        _whole("companies", self.companies, 1, _MOST_COMPANIES)
        _whole("days", self.days, 1, _MOST_DAYS)
        _whole("seed", self.seed, 0, 2**63 - 1)
        if not isinstance(self.as_of, datetime) or self.as_of.tzinfo is None:
            raise BadRecipe("as_of has no time zone: give one, for example 2026-11-22T04:00:00+00:00.")
        if not _EARLIEST <= self.as_of < _LATEST:
            raise BadRecipe(f"as_of lies in {self.as_of.year}: give a moment from 2000 to 2035.")

    @property
    def now(self) -> int:
        """`as_of` in whole Unix seconds: every row is older."""
        return int(self.as_of.timestamp())

    @property
    def opening(self) -> int:
        """The first second of the history, `days` before `as_of`."""
        return self.now - self.days * DAY


def _whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRecipe(f"{name} must be a whole number from {least} to {most}.")


def dedicated_refs(companies: int) -> tuple[str, ...]:
    """The references of the dedicated databases that a seeding of this many companies fills.

    None below 10 companies, then one, and one more per 250 up to five (three for 500).
    """
    count = 0 if companies < 10 else min(5, 1 + companies // 250)
    return tuple(f"dedicated_{number:02d}" for number in range(1, count + 1))
