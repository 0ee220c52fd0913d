"""Candidates to Genuka itself, and the few who were hired.

Every state is there (undecided, refused, offered, hired, asked not to be kept while undecided), and
offer-stage fields only from the offer on: the clean picture that planted rows then disturb.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import Array, Ints, choose, documents, join, only, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.folk import Folk, folk
from genuka_pipelines.demo.seed.pools import phrases, places
from genuka_pipelines.demo.seed.times import dates, moments, stamps
from genuka_pipelines.demo.seed.values import DAY, GENUKA

_STATUSES = ("received", "reviewing", "offer", "hired", "rejected")
_RECEIVED, _REVIEWING, _OFFER, _HIRED, _REJECTED = range(5)
_LEGAL = ({"contract": "CDI"}, {"contract": "CDD"}, {"contract": "permanent"})


def chunks(bench: Bench) -> Iterator[Chunk]:
    """Job applications, and a file for each person hired."""
    now, dice = bench.recipe.now, bench.dice("recruitment")
    rows = max(12, int(bench.recipe.companies * 0.12))
    country = countries.drawn(dice, rows)
    people = folk(dice.branch("people"), country, 1)
    status = dice.weighted(rows, (0.12, 0.13, 0.04, 0.11, 0.6))
    status[:5] = range(5)
    decided = np.isin(status, (_HIRED, _REJECTED))
    oldest = now - np.where(decided, limits.APPLICATION, limits.CONTACT) * DAY
    made = dice.between(oldest, now - 4 * DAY, rows)
    decision = bench.recent(dice, made + DAY, limits.DECISION, until=3600)
    offered = np.isin(status, (_OFFER, _HIRED))
    offer = np.where(decided, (made + decision) // 2, np.minimum(made + 2 * DAY, now - 60))
    ids = dice.ulids(made)
    extra = _extra(dice, people, rows)
    undecided = ~decided & (status != _OFFER)
    last = np.where(decided, decision, np.where(offered, offer, made))
    yield Chunk(
        GENUKA,
        "job_applications",
        rows,
        {
            "id": ids,
            "job_posting_id": dice.among(dice.ulids(np.full(6, now - 700 * DAY)), rows),
            "first_name": people.first,
            "last_name": people.last,
            "email": people.email,
            "phone": only(people.phone, dice.chance(rows, 0.8)),
            "source": dice.among(("website", "email", "phone"), rows),
            "cover_letter": only(_letter(dice, rows), dice.chance(rows, 0.9)),
            "cv_key": join("applications/", ids, "/cv.pdf"),
            "cv_file_name": join("CV ", people.full, ".pdf"),
            "country": countries.code(country),
            "status": take(_STATUSES, status),
            **{name: only(column, offered) for name, column in extra.items()},
            "offered_at": moments(offer, offered),
            "decided_at": moments(decision, decided),
            "hired_at": moments(decision, status == _HIRED),
            "keep_opt_out_at": moments(made + DAY, undecided & dice.chance(rows, 0.2)),
            "last_message_at": moments(last),
            **stamps(made, last),
            "deleted_at": moments(
                bench.recent(dice, made, limits.SOFT_DELETED),
                undecided & dice.chance(rows, 0.05),
            ),
        },
    )
    at = np.flatnonzero(status == _HIRED)
    held = {name: take(column, at) for name, column in extra.items()}
    yield _employees(bench, dice, people.at(at), take(ids, at), country[at], decision[at], held)


def _letter(dice: Dice, rows: int) -> Array:
    return join(
        dice.among(phrases.LETTER_OPENINGS, rows),
        "\n\n",
        dice.among(phrases.LETTER_BODIES, rows),
        "\n\n",
        dice.among(phrases.LETTER_CLOSINGS, rows),
    )


def _extra(dice: Dice, people: Folk, rows: int) -> dict[str, Array]:
    """What is asked once an offer is made; numbers short and in letters, shaped like no country's."""
    return {
        "birthdate": dates(dice.between(5 * 365, 33 * 365, rows) * DAY),
        "postal_address": join(text(1 + dice.below(99, rows)), " ", dice.among(places.STREETS, rows)),
        "social_security_number": join("SS-", dice.letters(rows, 4), "-", text(100 + dice.below(899, rows))),
        "bank_account": join("IBAN-", dice.letters(rows, 12)),
        "emergency_contact": dice.among(people.full, rows),
    }


def _employees(
    bench: Bench,
    dice: Dice,
    people: Folk,
    applications: Array,
    country: Ints,
    hired: Ints,
    extra: dict[str, Array],
) -> Chunk:
    now, rows = bench.recipe.now, len(hired)
    # Only where a law keeps the file of someone who left: elsewhere it goes with the contract.
    kept = np.isin(country, [place for place, at in enumerate(places.COUNTRIES) if at.code in ("CM", "FR")])
    gone = dice.chance(rows, 0.15) & (hired < now - 60 * DAY) & kept
    left = bench.recent(dice, hired + 30 * DAY, limits.LEFT)
    return Chunk(
        GENUKA,
        "employees",
        rows,
        {
            "id": dice.ulids(hired),
            "job_application_id": applications,
            "first_name": people.first,
            "last_name": people.last,
            "email": people.email,
            "phone": people.phone,
            "country": countries.code(country),
            "position": dice.among(phrases.POSITIONS, rows),
            **extra,
            "notes": only(dice.among(phrases.HR_NOTES, rows), dice.chance(rows, 0.6)),
            "legal_data": choose(dice.chance(rows, 0.8), dice.among(documents(_LEGAL), rows), "[]"),
            "hired_at": moments(hired),
            "left_at": moments(left, gone),
            **stamps(hired, np.where(gone, left, hired)),
        },
    )
