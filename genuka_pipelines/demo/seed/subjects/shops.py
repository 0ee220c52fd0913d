"""The shops, warehouses and money boxes of each tenant: what its orders are booked on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, Array, Ints, choose, documents, join, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import phrases
from genuka_pipelines.demo.seed.roster import Block
from genuka_pipelines.demo.seed.subjects.staff import Staff
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY

# (label, type, accounting code, processor, name of the method)
_BOXES = (
    ("Caisse principale", "cash", "571", "cash", "Espèces"),
    ("Compte bancaire", "bank", "52", "bank", "Virement"),
    ("PawaPay", "pawapay", "538", "pawapay", "Mobile Money"),
    ("NotchPay", "notchpay", "538", "notchpay", "Carte & Mobile"),
)
SLUGS = ("cash", "bank", "pawapay", "notchpay", "mobile_money", "card")


@dataclass(frozen=True, eq=False)
class Shops:
    """The shops, warehouses and treasury accounts of a block's companies."""

    of_company: Groups
    ids: Array
    created: Ints
    warehouse_of_company: Groups
    warehouses: Array
    boxes_of_company: Groups
    boxes: Array


def shops(bench: Bench, block: Block) -> Shops:
    """At least one shop and warehouse a company, more for the large ones; all four boxes each."""
    dice, weight = bench.dice("shops", block), block.roster.weight
    counts = 1 + (weight > 2).astype(np.int64) + (weight > 8) + 2 * (weight > 25)
    of_company = Groups(counts)
    stores = Groups(1 + (weight > 4).astype(np.int64))
    boxes = Groups(np.full(block.size, len(_BOXES)))
    created = block.roster.created
    opened = bench.past(created[of_company.owner] + of_company.rank * 20 * DAY + 60)
    return Shops(
        of_company,
        dice.ulids(opened),
        opened,
        stores,
        dice.ulids(created[stores.owner] + 90),
        boxes,
        dice.ulids(created[boxes.owner] + 120),
    )


def chunks(bench: Bench, block: Block, held: Shops, team: Staff) -> Iterator[Chunk]:
    """Shops, their users, warehouses, treasury accounts and payment methods of a block."""
    yield _shops(bench, block, held)
    yield _shop_users(block, held, team)
    yield _warehouses(bench, block, held)
    yield _boxes(bench, block, held)
    yield _methods(bench, block, held)


def _shops(bench: Bench, block: Block, held: Shops) -> Chunk:
    dice, owner, rows = bench.dice("shop rows", block), held.of_company.owner, held.of_company.size
    country = block.roster.country[held.of_company.owner]
    closed = dice.chance(rows, 0.04) & (held.of_company.rank > 0)
    town = countries.town(country)
    return Chunk(
        block.database,
        "shops",
        rows,
        {
            "id": held.ids,
            "company_id": take(block.roster.ids, owner),
            "name": join("Boutique ", town, " ", text(held.of_company.rank + 1)),
            "slug": join("boutique-", text(held.of_company.rank + 1)),
            "currency_code": countries.currency(country),
            "currency_name": countries.currency_name(country),
            "description": dice.among(phrases.SHOP_TEXTS, rows),
            "metadata": EMPTY_LIST,
            **stamps(held.created),
            "deleted_at": moments(bench.recent(dice, held.created, limits.SOFT_DELETED), closed),
        },
    )


def _shop_users(block: Block, held: Shops, team: Staff) -> Chunk:
    """Every user works in one shop of their company; the first of each company in its first shop."""
    owner = team.of_company.owner
    place = held.of_company.first[owner] + team.of_company.rank % held.of_company.counts[owner]
    return Chunk(
        block.database,
        "shop_user",
        team.of_company.size,
        {"shop_id": take(held.ids, place), "user_id": team.ids},
    )


def _warehouses(bench: Bench, block: Block, held: Shops) -> Chunk:
    dice, groups = bench.dice("warehouse rows", block), held.warehouse_of_company
    created = block.roster.created[groups.owner] + 90
    return Chunk(
        block.database,
        "warehouses",
        groups.size,
        {
            "id": held.warehouses,
            "company_id": take(block.roster.ids, groups.owner),
            "name": join("Dépôt n°", text(groups.rank + 1)),
            "description": dice.among(phrases.SHOP_TEXTS, groups.size),
            "metadata": EMPTY_LIST,
            **stamps(created),
        },
    )


def _boxes(bench: Bench, block: Block, held: Shops) -> Chunk:
    dice, groups = bench.dice("boxes", block), held.boxes_of_company
    created = block.roster.created[groups.owner] + 120
    labels, kinds, codes, *_ = zip(*_BOXES, strict=True)
    return Chunk(
        block.database,
        "treasury_accounts",
        groups.size,
        {
            "id": held.boxes,
            "company_id": take(block.roster.ids, groups.owner),
            "shop_id": take(held.ids, held.of_company.first[groups.owner]),
            "label": take(labels, groups.rank),
            "type": take(kinds, groups.rank),
            "accounting_account_code": take(codes, groups.rank),
            "balance": text(dice.below(4_000_000, groups.size) - 400_000),
            "metadata": EMPTY_LIST,
            **stamps(created, bench.past(created + DAY)),
        },
    )


def _methods(bench: Bench, block: Block, held: Shops) -> Chunk:
    dice, groups = bench.dice("methods", block), held.boxes_of_company
    *_, processors, named = zip(*_BOXES, strict=True)
    keys = documents(({"mode": "live", "token": "****"}, {"mode": "test", "token": "****"}))
    return Chunk(
        block.database,
        "payment_methods",
        groups.size,
        {
            "id": dice.ulids(block.roster.created[groups.owner] + 180),
            "company_id": take(block.roster.ids, groups.owner),
            "name": take(named, groups.rank),
            "processor": take(processors, groups.rank),
            "status": 1,
            "treasury_account_id": held.boxes,
            "configurations": choose(groups.rank >= 2, dice.among(keys, groups.size), EMPTY_LIST),
            "metadata": EMPTY_LIST,
        },
    )
