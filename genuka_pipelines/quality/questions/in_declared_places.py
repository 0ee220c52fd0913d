"""Is a system where we say it is? (its host, what it must be apart from, its provider's certificates)."""

from __future__ import annotations

from datetime import datetime

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.processor import Certificate
from genuka_pipelines.quality.asked import Asked


def ask(asked: Asked) -> Answer:
    """The answer for `systems/<system>`; what is embedded contradicts nothing and proves nothing."""
    house, place = asked.house, asked.key.removeprefix("systems/")
    system = house.catalog.systems[place]
    provider = house.catalog.processors[house.catalog.provider_of(place)]
    wrong, open_ = _certificates(provider.certificates, asked.as_of)
    if system.setting is None:
        return _answer(wrong, [*open_, "its place is what its provider declares"])
    try:
        host = house.host(place)
    except GenukaError:
        return _answer(wrong, [*open_, "it is not configured"])
    if host is None:
        open_.append("it is in this machine, which proves no place")
    elif not system.accepts(host):
        wrong.append("its host is not one that is declared")
    elif system.place.proof == "declared":
        open_.append(f"{system.place.country} is declared, not proven")
    for other in system.apart_from:
        try:
            if host is not None and house.host(other) == host:
                wrong.append(f"it shares its host with {other}")
        except GenukaError:
            open_.append(f"{other} is not configured")
    return _answer(wrong, open_)


def _certificates(held: tuple[Certificate, ...], as_of: datetime) -> tuple[list[str], list[str]]:
    over = [f"{c.name} ended on {c.valid_until}" for c in held if c.valid_until and c.valid_until < as_of.date()]
    unseen = sum(c.seen is None for c in held)
    return over, [f"{unseen} certificates were never seen"] if unseen else []


def _answer(wrong: list[str], unproven: list[str]) -> Answer:
    return Answer(
        passed=not wrong,
        counts={"wrong": len(wrong)} if wrong else {},
        notes=(*wrong, *unproven),
        unproven=not wrong and bool(unproven),
    )
