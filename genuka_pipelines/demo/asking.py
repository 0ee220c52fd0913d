"""What people and a tenant of the synthetic Genuka ask for: one wants to be forgotten, one a copy, one its whole data.

Support's part is done here; the answers are Dagster's, by the sensors that wait for approved requests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.catalog.request import OF_TENANTS
from genuka_pipelines.requests.deciding import approve, identify, look
from genuka_pipelines.requests.registering import Asked, register

if TYPE_CHECKING:
    from genuka_pipelines.catalog.request import RequestPlan
    from genuka_pipelines.runtime import Runtime

SENSORS = {"requests_waiting": "answer_request", "exports_waiting": "tenant_export"}
"""The sensors that wait for what is asked here, and the jobs that they start."""
KEY = "demo/recipient.txt"
"""The age identity, in the home, that opens what the demo hands over."""
_BY, _OTHER = "demo-support", "demo-privacy"


def ask(runtime: Runtime, *, as_of: datetime, now: datetime) -> tuple[str, ...]:
    """Open, identify and approve what is asked for; the ids of the requests. Nothing where the facts plan none."""
    return tuple(
        _approved(runtime, plan, said, as_of=as_of, now=now)
        for plan in runtime.catalog.requests.values()
        for said in _asking(runtime)
    )


def _approved(runtime: Runtime, plan: RequestPlan, said: Asked, *, as_of: datetime, now: datetime) -> str:
    request = register(runtime, plan, said, now=now).request
    identify(runtime, request.id, "reply_from_address", by=_BY, now=now)
    seen = None if request.kind in OF_TENANTS else look(runtime, request.id, as_of=as_of, now=now).digest
    return approve(runtime, plan, request.id, seen, by=_OTHER, as_of=as_of, now=now).id


def _asking(runtime: Runtime) -> Iterator[Asked]:
    """Who asks: an applicant, a subscriber, and the shared tenant with the fewest orders; whoever of them is there."""
    queries = {
        "erasure": "select min(email) from job_applications where hired_at is null",
        "access": "select min(email) from newsletter_subscribers",
        "tenant_export": "select company_id from orders where company_id in (select company_id from tenant_databases "
        "where mode = 'shared') group by company_id order by count(*), 1 limit 1",
    }
    engine = sa.create_engine(runtime.settings.url("genuka"))
    try:
        with engine.connect() as connection:
            found = {kind: connection.execute(sa.text(query)).scalar() for kind, query in queries.items()}
    finally:
        engine.dispose()
    for kind, value in found.items():
        if value is not None:
            subjects, tenant = ((), value) if kind in OF_TENANTS else ((value,), None)
            to = None if kind == "erasure" else _recipient(runtime.settings.home)
            yield Asked(kind, "email", _BY, subjects, tenant, recipient=to)


def _recipient(home: Path) -> str:
    """The age key of whoever tries the demo; its identity lies in the home, for this user alone."""
    import pyrage  # type: ignore[import-untyped]

    file = home / KEY
    file.parent.mkdir(mode=0o700, exist_ok=True)
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"{pyrage.x25519.Identity.generate()}\n")
    return str(pyrage.x25519.Identity.from_str(file.read_text(encoding="utf-8").strip()).to_public())
