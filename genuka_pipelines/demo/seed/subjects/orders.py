"""Orders and their lines: most of the rows, and most of the traps.

A creation date is what the caller said, a customer link can be lost while the order's addresses
stay, and amounts are documents inside the row: what erasure and statistics are really tried on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import (
    EMPTY_LIST,
    Array,
    Bools,
    Floats,
    Ints,
    choose,
    documents,
    join,
    only,
    or_null,
    quoted,
    strings,
    take,
    text,
)
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import goods, phrases
from genuka_pipelines.demo.seed.roster import Block
from genuka_pipelines.demo.seed.subjects.addresses import addresses
from genuka_pipelines.demo.seed.subjects.catalogue import Catalogue
from genuka_pipelines.demo.seed.subjects.customers import Customers
from genuka_pipelines.demo.seed.subjects.shops import SLUGS, Shops
from genuka_pipelines.demo.seed.subjects.staff import Staff
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY

_SLICE = 40_000
_STATUSES = ("pending", "confirmed", "shipped", "completed", "canceled", "cancelled", "other")
_STATUS_SHARES = (0.16, 0.11, 0.12, 0.53, 0.04, 0.03, 0.01)
DONE = (2, 3)
_SOURCES = ("POS", "WHATSAPP", "web", "DASHBOARD", "EMAIL", "OTHER", "EXCEL")
_SOURCE_SHARES = (0.4, 0.25, 0.15, 0.1, 0.04, 0.03, 0.03)


@dataclass(frozen=True, eq=False)
class Tenant:
    """All that the orders of a block refer to."""

    block: Block
    team: Staff
    stores: Shops
    people: Customers
    goods: Catalogue


@dataclass(frozen=True, eq=False)
class Orders:
    """Some orders of a block, in the order of time."""

    number: int
    company: Ints
    rank: Ints
    customer: Ints
    made: Ints  # when the row was made, as its ULID says
    created: Ints  # when the caller says it was
    ids: Array
    tenants: Array
    status: Ints
    delivered: Bools  # by delivery, not picked up
    amount: Floats
    address: Array
    box: Ints

    @property
    def size(self) -> int:
        """How many orders there are."""
        return len(self.made)


@dataclass(frozen=True, eq=False)
class _Lines:
    of_order: Groups
    variant: Ints
    quantity: Floats


def slices(bench: Bench, tenant: Tenant) -> Iterator[tuple[Orders, list[Chunk]]]:
    """The orders of a block with their rows, a bounded number at a time."""
    block, dice = tenant.block, bench.dice("orders", tenant.block)
    of_company = Groups(block.roster.orders)
    owner = of_company.owner
    customer = tenant.people.of_company.pick(dice, owner, skew=1.5)
    lowest = np.maximum(tenant.people.created[customer], bench.recipe.opening)
    made = dice.between(lowest, bench.recipe.now, of_company.size)
    by_company = np.lexsort((made, owner))
    # A reference counts within its company; the rows then come in the order of time, as they do in life.
    in_time = np.argsort(made[by_company], kind="stable")
    owner, rank = owner[in_time], of_company.rank[in_time]
    customer, made = customer[by_company][in_time], made[by_company][in_time]
    for number, start in enumerate(range(0, of_company.size, _SLICE)):
        part = slice(start, start + _SLICE)
        yield _slice(bench, tenant, number, (owner[part], rank[part], customer[part], made[part]))


def _slice(
    bench: Bench, tenant: Tenant, number: int, drawn: tuple[Ints, Ints, Ints, Ints]
) -> tuple[Orders, list[Chunk]]:
    company, rank, customer, made = drawn
    block, rows = tenant.block, len(company)
    dice = bench.dice("order rows", block).branch(number)
    lines = _lines(dice, tenant.goods, company)
    cost = tenant.goods.price[lines.variant] * lines.quantity
    back = np.where(dice.chance(rows, 0.02), dice.below(22 * DAY, rows) + DAY, 0)
    orders = Orders(
        number=number,
        company=company,
        rank=rank,
        customer=customer,
        made=made,
        created=np.maximum(made - back, np.minimum(block.roster.created[company], made)),
        ids=dice.ulids(made),
        tenants=take(block.roster.ids, company),
        status=dice.weighted(rows, _STATUS_SHARES),
        delivered=dice.chance(rows, 0.5),
        amount=np.round(np.bincount(lines.of_order.owner, weights=cost, minlength=rows), 2),
        address=dice.ulids(made),
        box=tenant.stores.boxes_of_company.pick(dice, company),
    )
    chunks = [
        _orders(bench, tenant, orders, dice),
        _order_lines(bench, tenant, orders, lines, dice),
        _order_addresses(tenant, orders, dice, copies=False),
        _order_addresses(tenant, orders, dice, copies=True),
    ]
    return orders, chunks


def _lines(dice: Dice, held: Catalogue, company: Ints) -> _Lines:
    of_order = Groups(1 + dice.weighted(len(company), (0.42, 0.27, 0.16, 0.1, 0.05)))
    rows = of_order.size
    variant = held.variants_of_company.pick(dice, company[of_order.owner], skew=1.4)
    quantity: Floats = dice.weighted(rows, (0.7, 0.18, 0.08, 0.04)) + np.float64(1)
    quantity[dice.chance(rows, 0.02)] = 0.35
    return _Lines(of_order, variant, quantity)


def _orders(bench: Bench, tenant: Tenant, orders: Orders, dice: Dice) -> Chunk:
    rows, block = orders.size, tenant.block
    # An update that left the customer out has cut the link; the order's addresses stay.
    linked = ~dice.chance(rows, 0.015) & ~(dice.chance(rows, 0.06) & ~orders.delivered)
    updated = bench.past(orders.made + dice.below(4 * DAY, rows))
    gone = dice.chance(rows, 0.01)
    noted = dice.chance(rows, 0.06)
    note = join('{"note":', quoted(dice.among(phrases.ORDER_NOTES, rows)), "}")
    return Chunk(
        block.database,
        "orders",
        rows,
        {
            "id": orders.ids,
            "company_id": orders.tenants,
            "shop_id": take(tenant.stores.ids, tenant.stores.of_company.pick(dice, orders.company, skew=2.0)),
            "user_id": only(tenant.team.anyone(dice, orders.company), dice.chance(rows, 0.6)),
            "customer_id": only(take(tenant.people.ids, orders.customer), linked),
            "reference": join("#ORDER_", text(1001 + orders.rank)),
            "status": take(_STATUSES, orders.status),
            "state": 1,
            "currency": countries.currency(block.roster.country[orders.company]),
            "amount": text(orders.amount),
            "source": take(_SOURCES, dice.weighted(rows, _SOURCE_SHARES)),
            "revenue_type": choose(dice.chance(rows, 0.3), "PRODUCTS", "products"),
            "credit_code": "701",
            "debit_code": "4111",
            "due_at": moments(orders.made + 15 * DAY, dice.chance(rows, 0.1)),
            "shipping": _shipping(orders, dice),
            "billing": _billing(tenant, orders, dice),
            "metadata": choose(noted, note, EMPTY_LIST),
            "custom_fields": choose(
                dice.chance(rows, 0.02), dice.among(documents(phrases.CUSTOM_FIELDS), rows), EMPTY_LIST
            ),
            **stamps(orders.created, updated),
            "deleted_at": moments(bench.recent(dice, orders.made, limits.SOFT_DELETED), gone),
        },
    )


def _shipping(orders: Orders, dice: Dice) -> Array:
    rows = orders.size
    done = np.isin(orders.status, DONE)
    delivery = join(
        '{"mode":"delivery","amount":',
        text(500 * dice.below(6, rows)),
        choose(done, ',"status":"delivered","address_id":"', ',"status":"pending","address_id":"'),
        orders.address,
        '","scheduled_at":null}',
    )
    return choose(orders.delivered, delivery, '{"mode":"pickup","amount":0,"status":"pending","address_id":null}')


def _billing(tenant: Tenant, orders: Orders, dice: Dice) -> Array:
    rows = orders.size
    box = take(tenant.stores.boxes, orders.box)
    slug = dice.among(SLUGS, rows)
    total = text(orders.amount)
    paid = np.isin(orders.status, DONE)
    return join(
        '{"method":"',
        choose(dice.chance(rows, 0.2), box, slug),
        choose(paid, '","status":"paid","subtotal":', '","status":"pending","subtotal":'),
        total,
        ',"total":',
        total,
        ',"discount":0,"treasury_account_id":"',
        box,
        '"}',
    )


def _order_lines(bench: Bench, tenant: Tenant, orders: Orders, lines: _Lines, dice: Dice) -> Chunk:
    rows, order = lines.of_order.size, lines.of_order.owner
    held = tenant.goods
    product = held.of_product.owner[lines.variant]
    titles = quoted(strings(title for title, *_ in goods.PRODUCTS))
    seller = tenant.team.anyone(dice, orders.company[order])
    # Old rows have no timestamps at all.
    stamped = dice.chance(rows, 0.97)
    service = held.kind[product] % 4 == 3
    return Chunk(
        tenant.block.database,
        "order_product",
        rows,
        {
            "id": text(bench.serials(tenant.block.database, "order_product", rows)),
            "order_id": take(orders.ids, order),
            "product_id": take(held.products, product),
            "variant_id": take(held.variants, lines.variant),
            "service_id": only(take(held.services, lines.variant), service),
            "price": text(held.price[lines.variant]),
            "quantity": text(lines.quantity),
            "metadata": join(
                '{"item_title":',
                take(titles, held.kind[product]),
                ',"sales_user_id":',
                or_null(only(join('"', seller, '"'), dice.chance(rows, 0.3))),
                "}",
            ),
            "created_at": moments(orders.made[order], stamped),
            "updated_at": moments(orders.made[order], stamped),
        },
    )


def _order_addresses(tenant: Tenant, orders: Orders, dice: Dice, *, copies: bool) -> Chunk:
    """The address an order goes to, or the copies that updates of the order left behind."""
    at = np.flatnonzero(orders.delivered & (dice.chance(orders.size, 0.04) if copies else True))
    people = tenant.people.people.at(orders.customer[at])
    company = orders.company[at]
    return addresses(
        dice,
        tenant.block.database,
        ("Order", take(orders.ids, at)),
        take(orders.tenants, at),
        (people.first, people.last, people.phone, only(people.email, dice.chance(len(at), 0.3))),
        tenant.block.roster.country[company],
        orders.made[at],
        None if copies else take(orders.address, at),
    )
