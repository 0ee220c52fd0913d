"""Who was found: by what keys, in which rows, in whose texts; and who may be the same.

It prints nothing of anybody, and is written down sealed before the first row goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from genuka_pipelines.rows.declared import DeclaredTable

Key = tuple[str, ...]
Why = Literal["same_mailbox", "other_country", "phone_only"]
"""Why a row is near: an address that many providers deliver to the same mailbox, a number without or with another
country code, or the number alone where the request also gives an e-mail address."""


@dataclass(frozen=True)
class Spot:
    """One table of one database: `database` is the tenant whose own it is, or None for the shared one."""

    system: str
    database: str | None
    category: str
    table: str


@dataclass(frozen=True)
class Near:
    """A person who may be the same: shown, and never acted on."""

    spot: Spot
    kind: str
    key: str = field(repr=False)
    why: Why


@dataclass(frozen=True)
class Person:
    """Who was found. `keys` are by kind of person; `rows` carry an address and are nobody's, by place; `mentions`
    are rows whose text contains one, by place and column. `emails` and `phones` stand in their own rows; `spelled` is
    everything by which texts were searched: these, the addresses given, as they may be written, and names.
    """

    keys: Mapping[str, frozenset[str]] = field(repr=False)
    rows: Mapping[Spot, frozenset[Key]] = field(repr=False)
    mentions: Mapping[tuple[Spot, str], frozenset[Key]] = field(repr=False)
    near: tuple[Near, ...] = ()
    emails: frozenset[str] = field(default=frozenset(), repr=False)
    phones: frozenset[str] = field(default=frozenset(), repr=False)
    spelled: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def nobody(self) -> bool:
        """Whether there is no trace of anybody."""
        return not (any(self.keys.values()) or any(self.rows.values()) or any(self.mentions.values()))


def said_of(person: Person) -> dict[str, object]:
    """A person for the register, which seals it; who is only near is nobody."""
    spots = [[*astuple(spot), sorted(map(list, keys))] for spot, keys in person.rows.items()]
    mentions = [[*astuple(spot), column, sorted(map(list, keys))] for (spot, column), keys in person.mentions.items()]
    return {
        "keys": {kind: sorted(keys) for kind, keys in person.keys.items()},
        "rows": sorted(spots, key=str),
        "mentions": sorted(mentions, key=str),
        "emails": sorted(person.emails),
        "phones": sorted(person.phones),
        "spelled": sorted(person.spelled),
    }


def read_person(said: Mapping[str, Any]) -> Person:
    """What `said_of` gave."""
    return Person(
        keys={kind: frozenset(keys) for kind, keys in said["keys"].items()},
        rows={Spot(*spot): frozenset(map(tuple, keys)) for *spot, keys in said["rows"]},
        mentions={(Spot(*spot), column): frozenset(map(tuple, keys)) for *spot, column, keys in said["mentions"]},
        emails=frozenset(said["emails"]),
        phones=frozenset(said["phones"]),
        spelled=frozenset(said.get("spelled", (*said["emails"], *said["phones"]))),
    )


def spot_of(table: DeclaredTable) -> Spot:
    """Where a table is."""
    home = table.home
    category = home.declared[table.name]
    return Spot(category.category.system, home.tenant, category.key, table.name)
