"""Events, newsletters, contact forms and the refusals of each.

Half of the subscribers and registrants are users too, under the same e-mail: a person is one person
however many tables know them, and whoever refused must be missing from every audience.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, Array, Bools, Ints, join, only, strings, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.folk import Folk, either, emails_of_nobody, folk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import goods, phrases
from genuka_pipelines.demo.seed.roster import Roster
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY, GENUKA

_ROLES = ("co_organiser", "partner", "sponsor")


def email_hash(email: str) -> str:
    """The form in which a refusal outlives the person: SHA-256 of the trimmed lower-case address."""
    return sha256(email.strip().lower().encode()).hexdigest()


def chunks(bench: Bench, everyone: Roster) -> Iterator[Chunk]:
    """Everything that marketing holds, and whom it may not write to."""
    yield from _newsletter(bench, everyone)
    yield from _events(bench, everyone)
    yield _contacts(bench)


def _mixed_people(dice: Dice, everyone: Roster, rows: int, share: float) -> tuple[Folk, Bools, Ints]:
    """Users for a share of the rows, strangers for the rest, and which company each user owns."""
    known = dice.chance(rows, share)
    company = dice.below(everyone.size, rows)
    strangers = folk(dice.branch("strangers"), everyone.country[company], 1)
    return either(known, everyone.owners.at(company), strangers), known, company


def _newsletter(bench: Bench, everyone: Roster) -> Iterator[Chunk]:
    now, dice = bench.recipe.now, bench.dice("newsletter")
    rows = int(everyone.size * 1.8) + 2
    people, known, company = _mixed_people(dice, everyone, rows, 0.5)
    since = dice.between(now - limits.SUBSCRIBER * DAY, now - 3600, rows)
    since = np.where(known, np.maximum(since, everyone.created[company]), since)
    left = dice.chance(rows, 0.09)
    left[0] = True
    when = bench.recent(dice, since, limits.CLOSED)
    yield Chunk(
        GENUKA,
        "newsletter_subscribers",
        rows,
        {
            "id": dice.ulids(since),
            "company_id": only(take(everyone.ids, company), known),
            "email": people.email,
            "first_name": people.first,
            "last_name": people.last,
            "locale": dice.among(("fr", "en"), rows),
            "source": dice.among(("website", "event", "import"), rows),
            "subscribed_at": moments(since),
            "unsubscribed_at": moments(when, left),
            "unsubscribe_token": dice.hexes(rows, 64),
            **stamps(since, np.where(left, when, since)),
        },
    )
    at = np.flatnonzero(left)
    hashes = strings(email_hash(email) for email in take(people.email, at).to_pylist())
    yield Chunk(
        GENUKA,
        "marketing_opt_outs",
        len(at),
        {
            "id": dice.ulids(when[at]),
            "subject_type": "newsletter_subscriber",
            "email_hash": hashes,
            "channel": "email",
            "reason": dice.among(("unsubscribe", "objection", None), len(at)),
            "opted_out_at": moments(when[at]),
            **stamps(when[at]),
        },
    )


def _events(bench: Bench, everyone: Roster) -> Iterator[Chunk]:
    now, dice = bench.recipe.now, bench.dice("events")
    rows = max(4, bench.recipe.companies // 150)
    starts = dice.between(now - limits.EVENT * DAY, now + 60 * DAY, rows)
    ends = starts + 3 * 3600
    past = ends < now - 60
    announced = np.minimum(starts, now) - 40 * DAY
    place = countries.drawn(dice, rows)
    ids = dice.ulids(announced)
    yield Chunk(
        GENUKA,
        "events",
        rows,
        {
            "id": ids,
            "title": dice.among(phrases.EVENT_TITLES, rows),
            "description": "Rencontre ouverte à tous, inscription gratuite.",
            "city": countries.town(place),
            "country": countries.code(place),
            "starts_at": moments(starts),
            "ended_at": moments(ends, past),
            "published_at": moments(announced),
            **stamps(announced),
        },
    )
    partners = Groups(1 + dice.below(3, rows))
    yield Chunk(
        GENUKA,
        "event_partners",
        partners.size,
        {
            "id": dice.ulids(announced[partners.owner]),
            "event_id": take(ids, partners.owner),
            "name": dice.among(phrases.PARTNERS, partners.size),
            "role": take(_ROLES, partners.rank),
            "contact_email": emails_of_nobody(dice, partners.size, "evenements"),
            **stamps(announced[partners.owner]),
        },
    )
    yield _registrations(bench, everyone, ids, announced, np.minimum(starts, now))


def _registrations(bench: Bench, everyone: Roster, events: Array, opened: Ints, closed: Ints) -> Chunk:
    now, dice = bench.recipe.now, bench.dice("registrations")
    rows = int(everyone.size * 1.2) + 4
    people, _, _ = _mixed_people(dice, everyone, rows, 0.5)
    event = dice.below(len(opened), rows)
    when = dice.between(opened[event], closed[event], rows)
    objected = dice.chance(rows, 0.05)
    named = join(dice.among(goods.COMPANY_PREFIXES, rows), " ", people.last)
    return Chunk(
        GENUKA,
        "event_registrations",
        rows,
        {
            "id": dice.ulids(when),
            "event_id": take(events, event),
            "name": people.full,
            "email": people.email,
            "phone": people.phone,
            "company_name": only(named, dice.chance(rows, 0.8)),
            "shared_with": EMPTY_LIST,
            "objected_at": moments(dice.between(when, now, rows), objected),
            **stamps(when),
        },
    )


def _contacts(bench: Bench) -> Chunk:
    now, dice = bench.recipe.now, bench.dice("contacts")
    rows = int(bench.recipe.companies * 0.5) + 2
    country = countries.drawn(dice, rows)
    people = folk(dice.branch("people"), country, 1)
    when = dice.between(now - limits.CONTACT * DAY, now - 60, rows)
    handled = bench.past(when + dice.below(3 * DAY, rows))
    return Chunk(
        GENUKA,
        "contact_requests",
        rows,
        {
            "id": dice.ulids(when),
            "name": people.full,
            "email": people.email,
            "phone": only(people.phone, dice.chance(rows, 0.6)),
            "company_name": only(join("Éts ", people.last), dice.chance(rows, 0.5)),
            "subject": dice.among(phrases.CONTACT_SUBJECTS, rows),
            "message": join(dice.among(phrases.CONTACT_MESSAGES, rows), " — n° ", text(1 + np.arange(rows))),
            "handled_at": moments(handled, dice.chance(rows, 0.85)),
            **stamps(when, handled),
        },
    )
