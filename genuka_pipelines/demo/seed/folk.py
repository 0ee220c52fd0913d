"""People who do not exist: names of their country's cultures, addresses that reach nobody.

Names, e-mails and telephones are made together, so that one person is the same in every table that
mentions them; otherwise an erasure by e-mail could never be seen to find them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from genuka_pipelines.demo.seed.arrays import Array, Bools, Floats, Ints, choose, join, strings, take, text
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.pools import agents, names, places


@dataclass(frozen=True, eq=False)
class Folk:
    """One person a row."""

    first: Array
    last: Array
    full: Array
    email: Array
    phone: Array

    def at(self, rows: Ints) -> Folk:
        """The people of these rows."""
        return Folk(*(take(column, rows) for column in (self.first, self.last, self.full, self.email, self.phone)))


def either(where: Bools, these: Folk, those: Folk) -> Folk:
    """One of two people, row by row."""
    columns = ("first", "last", "full", "email", "phone")
    return Folk(*(choose(where, getattr(these, name), getattr(those, name)) for name in columns))


@dataclass(frozen=True, eq=False)
class _Pool:
    names: Array
    slugs: Array
    counts: Ints
    starts: Ints

    def draw(self, dice: Dice, cultures: Ints) -> Ints:
        return self.starts[cultures] + dice.below(self.counts[cultures], len(cultures))


def folk(dice: Dice, countries: Ints, serial: int) -> Folk:
    """People of these countries (places in `COUNTRIES`), their e-mails numbered from `serial`."""
    rows = len(countries)
    cultures = (dice.unit(rows)[:, None] > _culture_edges()[countries]).sum(axis=1)
    firsts, lasts = _pool("first"), _pool("last")
    at_first, at_last = firsts.draw(dice, cultures), lasts.draw(dice, cultures)
    first, last = take(firsts.names, at_first), take(lasts.names, at_last)
    email = join(
        take(firsts.slugs, at_first),
        ".",
        take(lasts.slugs, at_last),
        text(np.arange(serial, serial + rows)),
        "@",
        dice.among(_domains(), rows),
    )
    return Folk(first, last, join(first, " ", last), email, phones(dice, countries))


def phones(dice: Dice, countries: Ints) -> Array:
    """Telephone numbers of these countries that belong to nobody."""
    prefixes, starts, counts = _prefixes()
    rows = len(countries)
    prefix = take(prefixes, starts[countries] + dice.below(counts[countries], rows))
    # Of North America's 555 exchange, only 0100 to 0199 are kept for fiction.
    american = np.isin(countries, _american())
    return join(
        prefix,
        choose(american, "01", dice.among(_pairs(), rows)),
        " ",
        dice.among(_pairs(), rows),
    )


def emails_of_nobody(dice: Dice, length: int, prefix: str) -> Array:
    """Addresses of offices rather than people."""
    return join(prefix, text(np.arange(length)), "@", dice.among(_domains(), length))


@cache
def _pool(kind: str) -> _Pool:
    held, slugs, counts = names.pool(kind)
    sizes = np.array(counts)
    return _Pool(strings(held), strings(slugs), sizes, np.cumsum(sizes) - sizes)


@cache
def _culture_edges() -> Floats:
    shares = np.array([country.cultures for country in places.COUNTRIES])
    edges = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    edges[:, -1] = 2.0
    return edges


@cache
def _prefixes() -> tuple[Array, Ints, Ints]:
    counts = np.array([len(country.phones) for country in places.COUNTRIES])
    flat = strings(prefix for country in places.COUNTRIES for prefix in country.phones)
    return flat, np.cumsum(counts) - counts, counts


@cache
def _american() -> Ints:
    return np.array([place for place, country in enumerate(places.COUNTRIES) if country.phones[0][:2] == "+1"])


@cache
def _pairs() -> Array:
    return strings(f"{number:02d}" for number in range(100))


@cache
def _domains() -> Array:
    return strings(agents.EMAIL_DOMAINS)
