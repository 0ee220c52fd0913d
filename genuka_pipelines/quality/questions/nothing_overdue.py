"""Is any row still there although its period is over, and neither a hold nor the law keeps it?

Counted by the predicate that the sweep destroys by, in every database of the system: a promise kept
to most tenants is broken.
"""

from __future__ import annotations

from genuka_pipelines.catalog.answer import Answer, none_found
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.holding import holds_now
from genuka_pipelines.rows.selection import Due

_WAITS = "whole databases are over, and wait for their notice, a hold or a final backup: see `genuka retention plan`"


def ask(asked: Asked) -> Answer:
    """No where rows or objects are left that were to go for longer than the declared grace.

    Unproven where a whole database is over: four months are its floor, and what it waits for is no breach.
    """
    counts, databases = _rows(asked) if asked.category.tables else ({}, 0)
    counts |= _objects(asked)
    if asked.system.is_control and "holds" in asked.category.tables:
        # A hold that ended by itself binds no more, and somebody has to say that this was meant.
        counts["holds.expired"] = len(asked.house.control.holds.expired(asked.now))
    answer = none_found(counts, (_WAITS,) if databases else ())
    if databases:
        return Answer(answer.passed, {**answer.counts, "databases": databases}, answer.notes, unproven=answer.passed)
    return answer


def _rows(asked: Asked) -> tuple[dict[str, int | None], int]:
    """What may go by rule, in every database; and how many whole databases are over."""
    then = asked.question.grace.cutoff(asked.system.moment(asked.as_of, asked.now))
    found = plan(
        Due(None, then),
        asked.house.catalog,
        asked.house.databases(asked.category.system),
        as_of=then,
        holds=holds_now(asked.house, asked.category.system, asked.now),
        categories={asked.category_key},
    )
    counts: dict[str, int | None] = {}
    databases = 0
    for line in found.lines:
        name = f"{line.table}.{line.rule}" if line.rule else line.table
        if line.action == "drop_database" and line.erasable is not None:
            databases += line.erasable
            continue
        before = counts.get(name, 0)
        counts[name] = None if before is None or line.erasable is None else before + line.erasable
    return counts, databases


def _objects(asked: Asked) -> dict[str, int | None]:
    """What is too old in stores, folders and the run history, by system; None where nobody can list it."""
    counts: dict[str, int | None] = {}
    for objects, keep in asked.category.ends_by_age:
        limit = keep.cutoff(asked.question.grace.cutoff(asked.as_of))
        try:
            aged = asked.house.aged(objects.system)
            counts[objects.system] = None if aged is None else sum(1 for _ in aged.older(objects.prefix, limit))
        except GenukaError:
            counts[objects.system] = None
    return counts
