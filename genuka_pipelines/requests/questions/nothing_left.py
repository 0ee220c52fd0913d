"""Is nothing left of the people, and of the tenants, whose erasure was answered with done?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.requests.asked import Asked
from genuka_pipelines.requests.person import read_person
from genuka_pipelines.requests.preview import planned, planned_of
from genuka_pipelines.rows.selection import OfTenant

if TYPE_CHECKING:
    from genuka_pipelines.control import Request
    from genuka_pipelines.rows.plan import PlanLine


def ask(asked: Asked) -> Answer:
    """No where a row of one of them is there that neither the law nor a hold keeps, by the engine's own predicate."""
    left = unknown = 0
    done = {"erasure": 0, "tenant_end": 0}
    for request in asked.house.control.requests.all(["done"]):
        if request.kind not in done:
            continue
        done[request.kind] += 1
        for line in _lines(asked, request):
            unknown += line.due is None
            left += (line.erasable or 0) if line.action == "delete" else (line.anonymise or 0)
    notes = (f"{unknown} tables could not be counted",) if unknown else ()
    counts = {"people": done["erasure"], "tenants": done["tenant_end"], "left": left, "unknown": unknown}
    passed = not left and not unknown
    return Answer(passed=passed, counts=counts, notes=notes, unproven=passed and not any(done.values()))


def _lines(asked: Asked, request: Request) -> tuple[PlanLine, ...]:
    if request.kind == "tenant_end":
        tenant = OfTenant(str(request.tenant))
        return planned_of(asked.house, lambda _: tenant, as_of=asked.as_of, now=asked.now)
    person = read_person((request.result(asked.house.keyring) or {})["person"])
    return planned(asked.house, person, as_of=asked.as_of, now=asked.now)
