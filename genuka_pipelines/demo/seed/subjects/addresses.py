"""Addresses of whoever has one, in the one table that all owners share.

The owner's type is written in two spellings, as in production: a sweep that knows one of them
leaves a fifth of the addresses behind.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, Array, Floats, Ints, choose, join, only, strings, take, text
from genuka_pipelines.demo.seed.chunks import Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.pools import places
from genuka_pipelines.demo.seed.times import stamps

_SHORT_SPELLING = 0.2


def owner_type(dice: Dice, model: str, rows: int) -> Array:
    """The type of a polymorphic owner, `App\\Models\\Order` or `order`."""
    return choose(dice.chance(rows, _SHORT_SPELLING), model.lower(), f"App\\Models\\{model}")


def addresses(
    dice: Dice,
    database: str,
    owner: tuple[str, Array],
    tenants: Array,
    people: tuple[Array | None, Array | None, Array | None, Array | None],
    country: Ints,
    made: Ints,
    ids: Array | None = None,
) -> Chunk:
    """One address a row, of the owner (model and ids) and the people (first, last, phone, e-mail)."""
    rows = len(made)
    towns, town_country_first, town_counts, latitude, longitude = _towns()
    town = town_country_first[country] + dice.below(town_counts[country], rows)
    spellings, first, counts = _spellings()
    first_name, last_name, phone, email = people
    located = dice.chance(rows, 0.3)
    details = dice.among(places.DETAILS, rows)
    line = join(text(1 + dice.below(240, rows)), " ", dice.among(places.STREETS, rows))
    broken = dice.chance(rows, 0.1)
    shipping = dice.chance(rows, 0.6)
    return Chunk(
        database,
        "addresses",
        rows,
        {
            "id": dice.ulids(made) if ids is None else ids,
            "addressable_type": owner_type(dice, owner[0], rows),
            "addressable_id": owner[1],
            "company_id": tenants,
            "label": only(dice.among(places.ADDRESS_LABELS, rows), dice.chance(rows, 0.4)),
            "first_name": first_name,
            "last_name": last_name,
            "phone": phone,
            "email": email,
            "line1": choose(broken, join(line, "\n", details), line),
            "line2": only(details, dice.chance(rows, 0.2)),
            "city": take(towns, town),
            "country": take(spellings, first[country] + dice.below(counts[country], rows)),
            "latitude": only(_near(dice, latitude[town]), located),
            "longitude": only(_near(dice, longitude[town]), located),
            "is_primary": dice.chance(rows, 0.7),
            "is_billing": ~shipping,
            "is_shipping": shipping,
            "metadata": EMPTY_LIST,
            **stamps(made),
        },
    )


def _near(dice: Dice, degrees: Floats) -> Array:
    return text(np.round(degrees + dice.unit(len(degrees)) * 0.1 - 0.05, 5))


@cache
def _towns() -> tuple[Array, Ints, Ints, Floats, Floats]:
    flat = [town for country in places.COUNTRIES for town in country.towns]
    counts = np.array([len(country.towns) for country in places.COUNTRIES])
    names, latitudes, longitudes = zip(*flat, strict=True)
    return strings(names), np.cumsum(counts) - counts, counts, np.array(latitudes), np.array(longitudes)


@cache
def _spellings() -> tuple[Array, Ints, Ints]:
    counts = np.array([len(country.spellings) for country in places.COUNTRIES])
    flat = strings(spelling for country in places.COUNTRIES for spelling in country.spellings)
    return flat, np.cumsum(counts) - counts, counts
