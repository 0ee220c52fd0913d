"""Is the region where it is declared to be, as far as its address and the store itself tell?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.catalog.answer import Answer


def ask(asked: Asked) -> Answer:
    """No where its host is none that is declared; unproven where nothing but a setting names its place."""
    name = asked.plan.regions[asked.region.name]
    system = asked.house.catalog.systems[name]
    host, told = asked.house.host(name), asked.region.store.capabilities()
    if host is None:
        return Answer(passed=True, notes=("it is in this machine, which proves no place",), unproven=True)
    if not system.accepts(host):
        return Answer(passed=False, counts={"wrong": 1}, notes=("its host is not one that is declared",))
    declared = told.place_declared or system.place.proof == "declared"
    said = f"the store names {told.place}" if not told.place_declared else f"{system.place.country} is declared"
    return Answer(passed=True, notes=(said,), unproven=declared)
