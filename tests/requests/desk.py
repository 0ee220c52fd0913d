"""Support's desk over a seeded world: each step of a request in one line, and the people in the demo to ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from genuka_pipelines.catalog.answer import Answer as Said
from genuka_pipelines.catalog.request import REGISTER, RequestCheck, RequestPlan
from genuka_pipelines.control.request import Request
from genuka_pipelines.requests.answering import Answer, answer
from genuka_pipelines.requests.asking import ask
from genuka_pipelines.requests.deciding import approve, identify, look
from genuka_pipelines.requests.preview import Preview
from genuka_pipelines.requests.registering import Asked, register
from genuka_pipelines.requests.telling import told
from genuka_pipelines.runtime import Runtime
from tests.requests.through import THROUGH, answered
from tests.scenarios.sweeping_world import AS_OF, World, wall

ONE, OTHER = "staff-1", "staff-2"


@dataclass
class Desk:
    """A desk; `as_of` is the moment that all work is about."""

    world: World
    as_of: datetime = AS_OF
    world_began: datetime = AS_OF - timedelta(days=365)

    @property
    def house(self) -> Runtime:
        return self.world.runtime

    @property
    def plan(self) -> RequestPlan:
        return self.house.catalog.requests[REGISTER]

    def open(self, kind: str, *who: str, tenant: str | None = None, arrived: date | None = None, now: Any = None,
             **corrections: str) -> Request:  # fmt: skip
        right = {name.replace("__", "."): value for name, value in corrections.items()}
        asked = Asked(kind, "email", ONE, who, tenant, arrived, right)
        return register(self.house, self.plan, asked, now=now or wall()).request

    def identified(self, kind: str, *who: str, **options: Any) -> Request:
        return identify(
            self.house,
            self.open(kind, *who, **options).id,
            "reply_from_address",
            by=ONE,
            now=options.get("now") or wall(),
        )

    def look(self, request: Request) -> Preview:
        return look(self.house, request.id, as_of=self.as_of, now=wall())

    def approve(self, request: Request, digest: str | None = None) -> Request:
        digest = digest or self.look(request).digest
        return approve(self.house, self.plan, request.id, digest, by=OTHER, as_of=self.as_of, now=wall())

    def run(self, request: Request, **options: Any) -> Answer:
        if THROUGH == "terminal" or (THROUGH == "dagster" and not options):
            return answered(self.world, request, self.as_of, options.get("to"))
        return answer(self.house, self.plan, request.id, as_of=self.as_of, clock=wall, **options)

    def all(self, kind: str, *who: str, **options: Any) -> Answer:
        """From the request to its answer."""
        request = self.identified(kind, *who, **options)
        self.approve(request)
        return self.told(self.run(request))

    def told(self, answer: Answer) -> Answer:
        """The answer when people have told whoever else had the data."""
        name, request = answer.request.id, answer.request
        for one in self.house.control.recipients.of(name) if request.reason == "recipients" else ():
            if one.state == "open":
                request = told(self.house, name, one.recipient, by=OTHER, now=wall())
        return replace(answer, request=request)

    def ask(self, check: RequestCheck, as_of: datetime | None = None) -> Said:
        return ask(self.house, check, as_of=as_of or self.as_of, now=wall())

    def emails(self, table: str, where: str = "1 = 1", database: str = "genuka") -> list[str]:
        """Addresses that one row of a table has and no other."""
        query = f"select email from {table} where email is not null and {where} group by email having count(*) = 1"
        return sorted(self.world.ids(query, database))
