"""The activity log: who changed what, with the values from before.

It keeps what a customer was called before an update, so a person erased from `customers` is still
there; it names no company, only a subject in one of two spellings.
"""

from __future__ import annotations

import numpy as np

from genuka_pipelines.demo.seed.arrays import Array, Ints, documents, join, quoted, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.folk import phones
from genuka_pipelines.demo.seed.subjects.addresses import owner_type
from genuka_pipelines.demo.seed.subjects.orders import Orders, Tenant
from genuka_pipelines.demo.seed.times import stamps
from genuka_pipelines.demo.seed.values import DAY


def of_customers(bench: Bench, tenant: Tenant) -> Chunk:
    """A quarter of the customers had their telephone number changed."""
    block, dice, people = tenant.block, bench.dice("customer log", tenant.block), tenant.people
    at = np.flatnonzero(~people.nameless & dice.chance(people.of_company.size, 0.25))
    rows, owner = len(at), people.of_company.owner[at]
    when = dice.between(people.created[at], bench.recipe.now, rows)
    old = phones(dice, block.roster.country[owner])
    held = people.people.at(at)
    return _log(
        bench,
        tenant,
        ("Customer", take(people.ids, at)),
        (dice, owner, when),
        join(
            '{"old":{"phone":',
            quoted(old),
            '},"attributes":{"phone":',
            quoted(held.phone),
            ',"last_name":',
            quoted(held.last),
            "}}",
        ),
    )


def of_orders(bench: Bench, tenant: Tenant, orders: Orders) -> Chunk:
    """Changes of status of a fifth of the orders of a slice."""
    dice = bench.dice("order log", tenant.block).branch(orders.number)
    at = np.flatnonzero(dice.chance(orders.size, 0.2))
    when = bench.past(orders.made[at] + 30 + dice.below(DAY, len(at)))
    changes = documents(
        {"old": {"status": old}, "attributes": {"status": new}}
        for old, new in (("pending", "confirmed"), ("confirmed", "completed"), ("pending", "canceled"))
    )
    return _log(
        bench,
        tenant,
        ("Order", take(orders.ids, at)),
        (dice, orders.company[at], when),
        dice.among(changes, len(at)),
    )


def _log(
    bench: Bench,
    tenant: Tenant,
    subject: tuple[str, Array],
    drawn: tuple[Dice, Ints, Ints],
    properties: Array,
) -> Chunk:
    (model, ids), (dice, company, when), database = subject, drawn, tenant.block.database
    rows = len(when)
    return Chunk(
        database,
        "activity_log",
        rows,
        {
            "id": text(bench.serials(database, "activity_log", rows)),
            "log_name": "default",
            "description": "updated",
            "subject_type": owner_type(dice, model, rows),
            "subject_id": ids,
            "causer_type": owner_type(dice, "User", rows),
            "causer_id": tenant.team.anyone(dice, company),
            "event": "updated",
            "properties": properties,
            **stamps(when),
        },
    )
