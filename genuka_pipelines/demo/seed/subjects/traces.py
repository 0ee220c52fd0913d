"""What hangs on the rest of a tenant: bills, tags, reviews, webhooks and its own addresses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import countries
from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, choose, constant, documents, join, only, quoted, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import goods, phrases
from genuka_pipelines.demo.seed.subjects.addresses import addresses, owner_type
from genuka_pipelines.demo.seed.subjects.billing import billed
from genuka_pipelines.demo.seed.subjects.orders import Orders, Tenant
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY, GENUKA

_EVENTS = (["order.created"], ["order.created", "product.updated"], ["customer.deleted"])


def chunks(bench: Bench, tenant: Tenant) -> Iterator[Chunk]:
    """The rows that belong to a block's companies, customers and products rather than to an order."""
    yield _bills(bench, tenant)
    yield from _tags(bench, tenant)
    yield _webhooks(bench, tenant)
    yield from _own_addresses(bench, tenant)


def order_chunks(bench: Bench, tenant: Tenant, orders: Orders) -> Iterator[Chunk]:
    """Reviews of a slice of orders."""
    dice = bench.dice("order traces", tenant.block).branch(orders.number)
    yield _reviews(bench, tenant, orders, dice)


def _bills(bench: Bench, tenant: Tenant) -> Chunk:
    block, dice = tenant.block, bench.dice("bills", tenant.block)
    now, roster = bench.recipe.now, tenant.block.roster
    of_company = Groups((roster.orders * 0.05 + dice.unit(block.size)).astype(np.int64))
    owner, rows = of_company.owner, of_company.size
    made = dice.between(np.maximum(roster.created[owner], bench.recipe.opening), now, rows)
    paid = dice.chance(rows, 0.6)
    amount = text(500 * (1 + dice.below(400, rows)))
    return Chunk(
        block.database,
        "bills",
        rows,
        {
            "id": dice.ulids(made),
            "company_id": take(roster.ids, owner),
            "shop_id": take(tenant.stores.ids, tenant.stores.of_company.first[owner]),
            "user_id": tenant.team.owner(owner),
            "supplier_id": take(tenant.goods.suppliers, tenant.goods.supplier_of_company.pick(dice, owner)),
            "reference": join("#BILL_", text(1001 + of_company.rank)),
            "amount": amount,
            "currency": countries.currency(roster.country[owner]),
            "status": choose(paid, "paid", "pending"),
            "state": 1,
            "source": "DASHBOARD",
            "expense_type": dice.among(goods.EXPENSES, rows),
            "credit_code": "602",
            "debit_code": "401",
            "due_date": moments(made + 30 * DAY),
            "paid_at": moments(bench.past(made + DAY), paid),
            "billing": join('{"method":"bank","total":', amount, ',"discount":0}'),
            "shipping": only(constant(EMPTY_LIST, rows), dice.chance(rows, 0.5)),
            "items": EMPTY_LIST,
            "metadata": EMPTY_LIST,
            **stamps(made),
        },
    )


def _tags(bench: Bench, tenant: Tenant) -> Iterator[Chunk]:
    block, dice = tenant.block, bench.dice("tags", tenant.block)
    of_company = Groups(np.full(block.size, 3))
    created = block.roster.created[of_company.owner] + 900
    ids = dice.ulids(created)
    yield Chunk(
        block.database,
        "tags",
        of_company.size,
        {
            "id": ids,
            "company_id": take(block.roster.ids, of_company.owner),
            "name": dice.among(goods.TAGS, of_company.size),
            "taggable_type": "",
            **stamps(created),
        },
    )
    at = np.flatnonzero(dice.chance(tenant.people.of_company.size, 0.12))
    tag = of_company.pick(dice, tenant.people.of_company.owner[at])
    yield Chunk(
        block.database,
        "taggables",
        len(at),
        {
            "tag_id": take(ids, tag),
            "taggable_type": owner_type(dice, "Customer", len(at)),
            "taggable_id": take(tenant.people.ids, at),
            **stamps(tenant.people.created[at]),
        },
    )


def _webhooks(bench: Bench, tenant: Tenant) -> Chunk:
    block, dice = tenant.block, bench.dice("webhooks", tenant.block)
    at = np.flatnonzero(dice.chance(block.size, 0.15))
    rows, created = len(at), block.roster.created[at] + 3000
    return Chunk(
        block.database,
        "webhooks",
        rows,
        {
            "id": dice.ulids(created),
            "company_id": take(block.roster.ids, at),
            "name": "Synchronisation",
            "url": join("https://hooks.example/", dice.letters(rows, 12)),
            "events": dice.among(documents(_EVENTS), rows),
            "secret": join("whsec_", dice.letters(rows, 32)),
            "is_active": dice.chance(rows, 0.9),
            "failure_count": text(dice.below(3, rows)),
            "last_triggered_at": moments(dice.between(bench.recipe.now - 9 * DAY, bench.recipe.now, rows)),
            "metadata": EMPTY_LIST,
            **stamps(bench.past(created)),
        },
    )


def _reviews(bench: Bench, tenant: Tenant, orders: Orders, dice: Dice) -> Chunk:
    at = np.flatnonzero(np.isin(orders.status, (3,)) & dice.chance(orders.size, 0.05))
    rows, company, person = len(at), orders.company[at], orders.customer[at]
    when = bench.past(orders.made[at] + DAY)
    people = tenant.people.people.at(person)
    inline = join('{"name":', quoted(people.full), ',"phone":', quoted(people.phone), "}")
    return Chunk(
        tenant.block.database,
        "reviews",
        rows,
        {
            "id": dice.ulids(when),
            "company_id": take(orders.tenants, at),
            "reviewable_type": choose(dice.chance(rows, 0.5), "product", "App\\Models\\Product"),
            "reviewable_id": take(tenant.goods.products, tenant.goods.of_company.pick(dice, company)),
            "reviewer_id": take(tenant.people.ids, person),
            "customer": choose(dice.chance(rows, 0.4), inline, EMPTY_LIST),
            "content": dice.among(phrases.REVIEWS, rows),
            "source": "web",
            "status": choose(dice.chance(rows, 0.5), "published", "pending"),
            "metadata": EMPTY_LIST,
            **stamps(when),
        },
    )


def _own_addresses(bench: Bench, tenant: Tenant) -> Iterator[Chunk]:
    """Where shops are and, only where Genuka has invoiced a company, where the company is."""
    block, dice, roster = tenant.block, bench.dice("own addresses", tenant.block), tenant.block.roster
    owner = tenant.stores.of_company.owner
    people = roster.owners.at(owner)
    shops = ("Shop", tenant.stores.ids)
    nobody = (None, None, people.phone, None)
    yield addresses(
        dice,
        block.database,
        shops,
        take(roster.ids, owner),
        nobody,
        roster.country[owner],
        tenant.stores.created,
    )
    if block.database == GENUKA:
        at = np.flatnonzero(billed(block, bench.recipe.now) & dice.chance(block.size, 0.8))
        held = roster.owners.at(at)
        yield addresses(
            dice,
            GENUKA,
            ("Company", take(roster.ids, at)),
            take(roster.ids, at),
            (held.first, held.last, held.phone, held.email),
            roster.country[at],
            roster.created[at] + DAY,
        )
