"""Visits to the public site and the application: logs, cookie choices, page views.

Logs are made in the order of time and know no user; page views know an anonymous cookie and the
choice behind it, which some visitors refused or took back: what analysis must leave out is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from genuka_pipelines.demo.seed import limits
from genuka_pipelines.demo.seed.arrays import Array, Floats, Ints, choose, join, only, strings, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.pools import agents, places
from genuka_pipelines.demo.seed.roster import Roster
from genuka_pipelines.demo.seed.subjects.network import addresses_of_devices, browsers_of_devices, mixed
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY, GENUKA

_SLICE = 80_000
_VISITS_A_DAY = 2.4
_VIEWS_A_DAY = 0.4
_DEVICES = 7
_COOKIES = 5
_FULL_CONSENT = '{"necessary":true,"analytics":true,"marketing":true}'
_ANALYTICS_ONLY = '{"necessary":true,"analytics":true,"marketing":false}'
_REFUSED = '{"necessary":true,"analytics":false,"marketing":false}'


def chunks(bench: Bench, everyone: Roster) -> Iterator[Chunk]:
    """Browser logs, then cookie consents and the page views under them."""
    yield from _logs(bench, everyone)
    yield from _views(bench, everyone)


def _logs(bench: Bench, everyone: Roster) -> Iterator[Chunk]:
    days = min(bench.recipe.days, limits.BROWSER)
    rows = int(everyone.size * days * _VISITS_A_DAY)
    start, span = bench.recipe.now - days * DAY, days * DAY
    for number, low in enumerate(range(0, rows, _SLICE)):
        high = min(low + _SLICE, rows)
        dice = bench.dice("browser logs").branch(number)
        # Evenly spaced with a shift of their own, so that slices follow one another in time.
        when = start + ((np.arange(low, high) + dice.unit(high - low)) * span / rows).astype(np.int64)
        yield _log_slice(bench, everyone, dice, bench.past(by_daylight(when)))


def by_daylight(seconds: Ints) -> Ints:
    """The same moments, crowded towards the afternoon and thinned out at night, in the same order."""
    turn = 2 * np.pi / DAY
    moved: Ints = seconds - (0.6 / turn * np.sin(turn * (seconds - 14 * 3600))).astype(np.int64)
    return moved


def _log_slice(bench: Bench, everyone: Roster, dice: Dice, when: Ints) -> Chunk:
    rows = len(when)
    device = (dice.unit(rows) ** 1.5 * everyone.size * _DEVICES).astype(np.int64)
    browser = browsers_of_devices(device)
    named, versions, platforms, _ = zip(*agents.BROWSERS, strict=True)
    country, city, language = _visitors()
    visitor = np.searchsorted(_visitor_edges(), mixed(device, 13, 1 << 20) / (1 << 20), side="right")
    company = (dice.unit(rows) ** 2 * everyone.size).astype(np.int64)
    known = dice.chance(rows, 0.45) & (everyone.created[company] <= when)
    return Chunk(
        GENUKA,
        "browser_logs",
        rows,
        {
            "id": text(bench.serials(GENUKA, "browser_logs", rows)),
            "company_id": only(take(everyone.ids, company), known),
            "ip_address": addresses_of_devices(device),
            "visited_at": moments(when),
            "browser": take(named, browser),
            "browser_version": take(versions, browser),
            "platform": take(platforms, browser),
            "language": take(language, visitor),
            "country": take(country, visitor),
            "city": take(city, visitor),
            "referrer_url": dice.among(agents.REFERRERS, rows),
        },
    )


def _views(bench: Bench, everyone: Roster) -> Iterator[Chunk]:
    now, dice = bench.recipe.now, bench.dice("cookies")
    days = min(bench.recipe.days, limits.COOKIES)
    rows = everyone.size * _COOKIES
    asked = dice.between(now - days * DAY, now - 600, rows)
    agreed = dice.chance(rows, 0.68)
    regretted = agreed & dice.chance(rows, 0.06)
    withdrawn = dice.between(asked, now, rows)
    signal = dice.chance(rows, np.where(agreed, 0.03, 0.4))
    cookie = dice.hexes(rows, 32)
    country, _, language = _visitors()
    visitor = dice.below(len(country), rows)
    owner = dice.below(everyone.size, rows)
    yield Chunk(
        GENUKA,
        "cookie_consents",
        rows,
        {
            "id": dice.ulids(asked),
            "anonymous_id": cookie,
            "ip_truncated": join("198.", text(18 + dice.below(2, rows)), ".", text(dice.below(256, rows)), ".0"),
            "categories": choose(agreed, choose(dice.chance(rows, 0.5), _FULL_CONSENT, _ANALYTICS_ONLY), _REFUSED),
            "do_not_track": signal,
            "policy_version": "2024-05-03",
            "granted_at": moments(asked, agreed),
            "refused_at": moments(asked, ~agreed),
            "withdrawn_at": moments(withdrawn, regretted),
            **stamps(asked, np.where(regretted, withdrawn, asked)),
        },
    )
    willing = np.flatnonzero(agreed)
    total = int(everyone.size * days * _VIEWS_A_DAY) if len(willing) else 0
    for number, low in enumerate(range(0, total, _SLICE)):
        part = bench.dice("page views").branch(number)
        count = min(_SLICE, total - low)
        at = willing[part.below(len(willing), count)]
        when = part.between(asked[at], np.where(regretted, withdrawn, now)[at], count)
        company = owner[at]
        yield Chunk(
            GENUKA,
            "page_views",
            count,
            {
                "id": text(bench.serials(GENUKA, "page_views", count)),
                "company_id": only(
                    take(everyone.ids, company), (everyone.created[company] <= when) & part.chance(count, 0.3)
                ),
                "anonymous_id": take(cookie, at),
                "path": part.among(agents.PATHS, count),
                "referrer_host": part.among(("search.example", "social.example", None), count),
                "language": take(language, visitor[at]),
                "country": take(country, visitor[at]),
                "do_not_track": choose(signal[at], "1", "0"),
                "viewed_at": moments(when),
            },
        )


@cache
def _visitors() -> tuple[Array, Array, Array]:
    """Country, city and language of every kind of visitor."""
    kinds = [
        (country.code, town, language)
        for country in places.COUNTRIES
        for town, *_ in country.towns
        for language in country.languages
    ]
    codes, cities, languages = zip(*kinds, strict=True)
    return strings(codes), strings(cities), strings(languages)


@cache
def _visitor_edges() -> Floats:
    shares = [
        country.weight / (1 + place) / (1 + order)
        for country in places.COUNTRIES
        for place in range(len(country.towns))
        for order in range(len(country.languages))
    ]
    edges = np.cumsum(np.array(shares) / sum(shares))
    return edges[:-1]
