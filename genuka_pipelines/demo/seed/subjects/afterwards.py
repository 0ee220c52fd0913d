"""What follows an order: deliveries, returns, invoices and payments.

The path from a person to a payment leads over an invoice, and to a returned item over a return that
carries the order: nothing here names a customer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import countries
from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, Array, Ints, choose, join, only, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.pools import phrases
from genuka_pipelines.demo.seed.subjects.addresses import owner_type
from genuka_pipelines.demo.seed.subjects.orders import DONE, Orders, Tenant
from genuka_pipelines.demo.seed.subjects.shops import SLUGS
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY

_BOX_SLUGS = SLUGS[:4]


def chunks(bench: Bench, tenant: Tenant, orders: Orders) -> Iterator[Chunk]:
    """Every row that a slice of orders gave rise to."""
    dice = bench.dice("afterwards", tenant.block).branch(orders.number)
    billed = np.flatnonzero(dice.chance(orders.size, 0.45))
    invoices = dice.ulids(orders.made[billed] + 30)
    yield _invoices(bench, tenant, orders, dice, billed, invoices)
    yield _payments(bench, tenant, orders, dice, billed, invoices)
    yield _deliveries(bench, tenant, orders, dice)
    yield from _returns(bench, tenant, orders, dice)


def _currency(tenant: Tenant, orders: Orders, at: Ints) -> Array:
    return countries.currency(tenant.block.roster.country[orders.company[at]])


def _invoices(bench: Bench, tenant: Tenant, orders: Orders, dice: Dice, at: Ints, ids: Array) -> Chunk:
    company, rows = orders.company[at], len(at)
    issued = bench.past(orders.made[at] + 30)
    deposit = dice.chance(rows, 0.1)
    shop = tenant.stores.of_company.first[company]
    return Chunk(
        tenant.block.database,
        "invoices",
        rows,
        {
            "id": ids,
            "company_id": take(orders.tenants, at),
            "shop_id": take(tenant.stores.ids, shop),
            "order_id": take(orders.ids, at),
            "user_id": tenant.team.owner(company),
            "reference": join("#INV_", text(1001 + orders.rank[at])),
            "amount": text(orders.amount[at]),
            "currency_code": _currency(tenant, orders, at),
            "status": choose(np.isin(orders.status[at], DONE), "paid", "pending"),
            "is_deposit": deposit,
            "is_final": ~deposit,
            "metadata": EMPTY_LIST,
            **stamps(issued),
        },
    )


def _payments(bench: Bench, tenant: Tenant, orders: Orders, dice: Dice, billed: Ints, invoices: Array) -> Chunk:
    paid = np.flatnonzero(np.isin(orders.status[billed], DONE))
    at, rows = billed[paid], len(paid)
    company, box = orders.company[at], orders.box[at]
    when = bench.past(orders.made[at] + 60 + dice.below(2 * DAY, rows))
    kind = tenant.stores.boxes_of_company.rank[box]
    account = take(tenant.stores.boxes, box)
    return Chunk(
        tenant.block.database,
        "payments",
        rows,
        {
            "id": dice.ulids(when),
            "company_id": take(orders.tenants, at),
            "user_id": tenant.team.owner(company),
            "payable_type": owner_type(dice, "Invoice", rows),
            "payable_id": take(invoices, paid),
            "treasury_account_id": account,
            "type": "inbound",
            "method": choose(dice.chance(rows, 0.3), account, take(_BOX_SLUGS, kind)),
            "reference": join(take(("PCASH_", "PBANK_", "PPAWA_", "PNOTCH_"), kind), text(1001 + orders.rank[at])),
            "amount": text(orders.amount[at]),
            "currency_code": _currency(tenant, orders, at),
            "status": "paid",
            "due_date": moments(when),
            "paid_at": moments(when),
            "metadata": join('{"order_id":"', take(orders.ids, at), '"}'),
            **stamps(when),
        },
    )


def _deliveries(bench: Bench, tenant: Tenant, orders: Orders, dice: Dice) -> Chunk:
    at = np.flatnonzero(orders.delivered & np.isin(orders.status, DONE))
    company, rows, now = orders.company[at], len(at), bench.recipe.now
    starts = np.minimum(orders.made[at] + 3600, now - 2)
    ends = bench.past(starts + 600 + dice.below(DAY, rows))
    number = text(1001 + orders.rank[at])
    return Chunk(
        tenant.block.database,
        "deliveries",
        rows,
        {
            "id": dice.ulids(starts),
            "order_id": take(orders.ids, at),
            "company_id": take(orders.tenants, at),
            "user_id": only(tenant.team.anyone(dice, company), dice.chance(rows, 0.8)),
            "address_id": take(orders.address, at),
            "status": choose(dice.chance(rows, 0.85), "delivered", "taken_in_charge"),
            "mode": dice.among(("car", "moto", None), rows),
            "scheduled_at": moments(starts),
            "starts_at": moments(starts),
            "ends_at": moments(ends),
            "tracking_number": join("#DLV_", number),
            "tracking_url": join("https://suivi.example/", number),
            "metadata": EMPTY_LIST,
            **stamps(starts, ends),
        },
    )


def _returns(bench: Bench, tenant: Tenant, orders: Orders, dice: Dice) -> Iterator[Chunk]:
    at = np.flatnonzero(dice.chance(orders.size, 0.015))
    rows = len(at)
    when = bench.past(orders.made[at] + DAY + dice.below(5 * DAY, rows))
    ids = dice.ulids(when)
    yield Chunk(
        tenant.block.database,
        "returns",
        rows,
        {
            "id": ids,
            "company_id": take(orders.tenants, at),
            "order_id": take(orders.ids, at),
            "comment": dice.among(phrases.RETURN_COMMENTS, rows),
            "return_date": moments(when),
            "status": choose(dice.chance(rows, 0.6), "confirmed", "waiting_approval"),
            **stamps(when),
        },
    )
    variant = tenant.goods.variants_of_company.first[orders.company[at]]
    yield Chunk(
        tenant.block.database,
        "return_items",
        rows,
        {
            "id": dice.ulids(when),
            "return_id": ids,
            "variant_id": take(tenant.goods.variants, variant),
            "quantity": 1,
            "reason": choose(dice.chance(rows, 0.7), "defective", "other"),
            "comment": only(dice.among(phrases.RETURN_COMMENTS, rows), dice.chance(rows, 0.5)),
            **stamps(when),
        },
    )
