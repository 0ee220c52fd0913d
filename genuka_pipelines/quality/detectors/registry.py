"""Every detector by name: a family, a kind or an id, and the expression a server can filter by.

Names come from YAML that people write; one that nobody declared is answered with those that
exist, for a misspelt detector that quietly ran nothing would read as "nothing found".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.quality.detectors.detector import Detector
from genuka_pipelines.quality.detectors.gate import Dialect, either

FAMILIES: Final = ("cards", "special_categories", "passwords", "contacts")


class UnknownDetector(GenukaError):
    """A name that no detector, kind or family bears: what it was to find would go unseen."""


@cache
def families() -> Mapping[str, tuple[Detector, ...]]:
    """Every detector there is, by family."""
    from genuka_pipelines.quality.detectors.cards import CARDS
    from genuka_pipelines.quality.detectors.contacts import CONTACTS
    from genuka_pipelines.quality.detectors.passwords import PASSWORDS
    from genuka_pipelines.quality.detectors.special import special

    return MappingProxyType(dict(zip(FAMILIES, (CARDS, special(), PASSWORDS, CONTACTS), strict=True)))


def detectors(*names: str) -> tuple[Detector, ...]:
    """The detectors of these families, kinds or ids, each once; with no name, all that run by default.

    A family leaves out what is not `by_default` (health); its kind or id names it all the same.
    Raises `UnknownDetector`, which lists the valid names.
    """
    found = [detector for name in names or FAMILIES for detector in _named(name)]
    return tuple(dict.fromkeys(found))


def prefilter(name: str, dialect: Dialect) -> str:
    """A regular expression that lets through every value the detectors of `name` can flag, and more.

    For `column ~ :pattern` on PostgreSQL and `column REGEXP :pattern` on MariaDB and MySQL, as a bound
    value, on a text (not binary) column. `scan` reads only what a gate at least as strict lets through,
    so what this holds back is never flagged here either. It costs a server microseconds a row, and
    hundreds for the special categories: where the way to the server is quick, read every row instead.
    Raises `UnknownDetector`, `UnknownDialect`, or `UnportableGate` for a family whose detectors share
    no expression (ask for one kind).
    """
    return either(tuple(detector.gate for detector in detectors(name))).there(dialect)


def _named(name: str) -> list[Detector]:
    known = families()
    if name in known:
        return [detector for detector in known[name] if detector.by_default]
    every = [detector for family in known.values() for detector in family]
    found = [detector for detector in every if name in (detector.kind, detector.id)]
    if not found:
        valid = [*known, *dict.fromkeys(d.kind for d in every), *(d.id for d in every)]
        raise UnknownDetector(f"no detector is called {name!r}: valid names are {', '.join(valid)}")
    return found
