"""The customers of each tenant: personal data that Genuka only processes on the tenant's behalf.

Some have no identity at all and some a telephone number where the last name belongs; whoever looks
for people by column alone will miss the second and count the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genuka_pipelines.demo.seed import limits
from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, Array, Bools, Ints, choose, documents, join, only, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.folk import Folk, folk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import phrases
from genuka_pipelines.demo.seed.roster import Block
from genuka_pipelines.demo.seed.subjects.addresses import addresses
from genuka_pipelines.demo.seed.subjects.shops import Shops
from genuka_pipelines.demo.seed.subjects.staff import password_hashes
from genuka_pipelines.demo.seed.times import dates, moments, stamps
from genuka_pipelines.demo.seed.values import DAY


@dataclass(frozen=True, eq=False)
class Customers:
    """The customers of a block's companies."""

    of_company: Groups
    ids: Array
    people: Folk
    created: Ints
    nameless: Bools
    phone_as_name: Bools


def customers(bench: Bench, block: Block) -> Customers:
    """The customers of a block: a few a company, and one per three orders or so."""
    dice, roster = bench.dice("customers", block), block.roster
    of_company = Groups(2 + (roster.orders * 0.36).astype(np.int64))
    owner, rows = of_company.owner, of_company.size
    joined = roster.created[owner]
    # Two thirds were there before the history began, where the company was.
    early = dice.chance(rows, 0.66) & (joined < bench.recipe.opening)
    latest = np.where(early, bench.recipe.opening, bench.recipe.now - 600)
    created = dice.between(joined, latest, rows)
    serial = int(bench.serials("everywhere", "customer mail", rows)[0])
    people = folk(dice.branch("people"), roster.country[owner], serial)
    return Customers(of_company, dice.ulids(created), people, created, dice.chance(rows, 0.02), dice.chance(rows, 0.03))


def chunks(bench: Bench, block: Block, held: Customers, stores: Shops) -> Iterator[Chunk]:
    """Customers, their shops and their own addresses."""
    yield _customers(bench, block, held)
    yield _customer_shops(bench, block, held, stores)
    yield _addresses(bench, block, held)


def _customers(bench: Bench, block: Block, held: Customers) -> Chunk:
    dice, owner, rows = bench.dice("customer rows", block), held.of_company.owner, held.of_company.size
    now = bench.recipe.now
    named = ~held.nameless & ~held.phone_as_name
    gone = dice.chance(rows, 0.02)
    business = dice.chance(rows, 0.05)
    seen = dice.between(held.created, now, rows)
    external = dice.below(4, rows)
    number = text(1000 + dice.below(900_000, rows))
    birthday = dice.between(-10 * 365, 36 * 365, rows) * DAY
    # Most have an empty document, spelled as PHP spells it; the rest an identifier elsewhere.
    document = choose(
        external < 2,
        EMPTY_LIST,
        choose(external == 2, join('{"woocommerceId":', number, "}"), join('{"shopifyId":', number, "}")),
    )
    return Chunk(
        block.database,
        "customers",
        rows,
        {
            "id": held.ids,
            "company_id": take(block.roster.ids, owner),
            "first_name": only(choose(held.phone_as_name, "", held.people.first), ~held.nameless),
            "last_name": only(choose(held.phone_as_name, held.people.phone, held.people.last), ~held.nameless),
            "email": only(held.people.email, named & dice.chance(rows, 0.6)),
            "phone": only(held.people.phone, ~held.nameless),
            "gender": only(dice.among(("M", "F"), rows), dice.chance(rows, 0.2)),
            "birthdate": only(dates(birthday), named & dice.chance(rows, 0.1)),
            "type": choose(business, "company", "individual"),
            "company_name": only(join("Éts ", held.people.last), business),
            "registration_number": only(join("RC/DLA/2021/B/", text(dice.below(9999, rows))), business),
            "tax_number": only(join("M", text(dice.below(99_999, rows)), "-K"), business),
            "preferred_language": dice.among(("fr", "en", None), rows),
            "last_activity": moments(seen, dice.chance(rows, 0.5)),
            "metadata": only(document, dice.chance(rows, 0.85)),
            "custom_fields": choose(
                dice.chance(rows, 0.05), dice.among(documents(phrases.CUSTOM_FIELDS), rows), EMPTY_LIST
            ),
            "password": only(password_hashes(dice, rows), dice.chance(rows, 0.1)),
            **stamps(held.created, seen),
            "deleted_at": moments(bench.recent(dice, held.created, limits.SOFT_DELETED), gone),
        },
    )


def _customer_shops(bench: Bench, block: Block, held: Customers, stores: Shops) -> Chunk:
    dice = bench.dice("customer shops", block)
    place = stores.of_company.pick(dice, held.of_company.owner, skew=2.0)
    return Chunk(
        block.database,
        "customer_shop",
        held.of_company.size,
        {"customer_id": held.ids, "shop_id": take(stores.ids, place)},
    )


def _addresses(bench: Bench, block: Block, held: Customers) -> Chunk:
    dice = bench.dice("customer addresses", block)
    at = np.flatnonzero(~held.nameless & dice.chance(held.of_company.size, 0.7))
    owner, people = held.of_company.owner[at], held.people.at(at)
    return addresses(
        dice,
        block.database,
        ("Customer", take(held.ids, at)),
        take(block.roster.ids, owner),
        (people.first, people.last, people.phone, None),
        block.roster.country[owner],
        held.created[at],
    )
