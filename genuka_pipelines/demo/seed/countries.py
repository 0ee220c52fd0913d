"""What a country's number stands for, a whole column at once: its code, currency and first town."""

from __future__ import annotations

import numpy as np

from genuka_pipelines.demo.seed.arrays import Array, Floats, Ints, join, quoted, take
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.pools.places import COUNTRIES, CURRENCY_NAMES, CURRENCY_RATES


def drawn(dice: Dice, rows: int) -> Ints:
    """Places in `COUNTRIES`, each as often as its weight says."""
    return dice.weighted(rows, [country.weight for country in COUNTRIES])


def code(country: Ints) -> Array:
    """Two letters, ISO 3166."""
    return take([country.code for country in COUNTRIES], country)


def currency(country: Ints) -> Array:
    """Three letters, ISO 4217."""
    return take([country.currency for country in COUNTRIES], country)


def currency_name(country: Ints) -> Array:
    """The currency in full."""
    return take([CURRENCY_NAMES[country.currency] for country in COUNTRIES], country)


def rate(country: Ints) -> Floats:
    """CFA francs for one unit of the currency."""
    rates: Floats = np.array([CURRENCY_RATES[country.currency] for country in COUNTRIES])[country]
    return rates


def town(country: Ints) -> Array:
    """The first town of the list."""
    return take([country.towns[0][0] for country in COUNTRIES], country)


def billing_address(line: Array, country: Ints) -> Array:
    """The document in which an invoice keeps the address that it was sent to."""
    return join('{"line1":', quoted(line), ',"city":', quoted(town(country)), ',"country":"', code(country), '"}')
