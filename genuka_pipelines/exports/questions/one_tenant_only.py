"""Does every row of whoever was handed an archive lead to that tenant, and to no other?"""

from __future__ import annotations

from contextlib import ExitStack

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.exports.asked import Asked
from genuka_pipelines.exports.choosing import choose
from genuka_pipelines.exports.closure import prove
from genuka_pipelines.exports.errors import NotOneTenant, UnknownTenant


def ask(asked: Asked) -> Answer:
    """No where a tenant's rows name another's. Asked of the source: the archive itself opens for the tenant alone."""
    known = {request.id: request.tenant for request in asked.house.control.requests.all()}
    tenants = {tenant for one in asked.archives if (tenant := known.get(one.request))}
    crossed = unknown = 0
    for tenant in sorted(tenants):
        try:
            choice = choose(asked.house, tenant, asked.now)
            with ExitStack() as stack:
                for source in choice.sources:
                    prove(choice, source, stack.enter_context(source.home.database.dump()))
        except UnknownTenant:
            continue  # It has ended since.
        except NotOneTenant:
            crossed += 1
        except GenukaError:
            unknown += 1
    counts = {"tenants": len(tenants), "crossed": crossed, "unknown": unknown}
    return Answer(passed=not (crossed or unknown), counts=counts, unproven=not tenants)
