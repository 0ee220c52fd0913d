"""What each tenant sells: products, variants, a service for every variant, stock and suppliers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, Array, Floats, Ints, documents, join, only, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.folk import folk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import goods
from genuka_pipelines.demo.seed.roster import Block
from genuka_pipelines.demo.seed.subjects.shops import Shops
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The products and variants of a block's companies, and what each variant costs."""

    of_company: Groups
    products: Array
    kind: Ints  # place in goods.PRODUCTS
    created: Ints
    of_product: Groups
    variants: Array
    services: Array
    price: Floats
    variants_of_company: Groups
    supplier_of_company: Groups
    suppliers: Array


def catalogue(bench: Bench, block: Block) -> Catalogue:
    """The catalogue of a block; prices are whole in CFA francs and in cents elsewhere."""
    dice, roster = bench.dice("catalogue", block), block.roster
    of_company = Groups(3 + np.minimum(roster.weight * 6, 90).astype(np.int64))
    owner, rows = of_company.owner, of_company.size
    created = dice.between(
        roster.created[owner], np.minimum(roster.created[owner] + 90 * DAY, bench.recipe.now - 60), rows
    )
    of_product = Groups(1 + dice.weighted(rows, (0.65, 0.22, 0.13)))
    kind = dice.below(len(goods.PRODUCTS), rows)
    product = of_product.owner
    francs = np.array([price for *_, price in goods.PRODUCTS])[kind][product] * (0.6 + dice.unit(of_product.size))
    rate = countries.rate(roster.country[owner[product]])
    price = np.where(rate == 1.0, np.round(francs / 50) * 50, np.round(francs / rate, 2))
    suppliers = Groups(1 + dice.below(3, block.size))
    per_company = np.bincount(owner[product], minlength=block.size)
    return Catalogue(
        of_company,
        dice.ulids(created),
        kind,
        created,
        of_product,
        dice.ulids(created[product]),
        dice.ulids(created[product] + 1),
        price,
        Groups(per_company),
        suppliers,
        dice.ulids(roster.created[suppliers.owner] + 600),
    )


def chunks(bench: Bench, block: Block, held: Catalogue, stores: Shops) -> Iterator[Chunk]:
    """Products, variants, services, stocks and suppliers of a block."""
    dice = bench.dice("catalogue rows", block)
    yield _suppliers(bench, block, held)
    yield _products(bench, block, held)
    yield _variants(bench, block, held)
    yield Chunk(
        block.database,
        "services",
        held.of_product.size,
        {
            "id": held.services,
            "product_variant_id": held.variants,
            "duration_minutes": text(15 * (1 + dice.below(8, held.of_product.size))),
            "buffer_minutes": text(5 * dice.below(4, held.of_product.size)),
            "metadata": EMPTY_LIST,
            **stamps(held.created[held.of_product.owner] + 1),
        },
    )
    yield from _stocks(bench, block, held, stores)


def _suppliers(bench: Bench, block: Block, held: Catalogue) -> Chunk:
    dice, groups = bench.dice("suppliers", block), held.supplier_of_company
    owner, rows = groups.owner, groups.size
    serial = int(bench.serials("everywhere", "supplier mail", rows)[0])
    people = folk(dice.branch("people"), block.roster.country[owner], serial)
    created = block.roster.created[owner] + 600
    return Chunk(
        block.database,
        "suppliers",
        rows,
        {
            "id": held.suppliers,
            "company_id": take(block.roster.ids, owner),
            "company_name": dice.among(goods.SUPPLIERS, rows),
            "first_name": people.first,
            "last_name": people.last,
            "email": only(people.email, dice.chance(rows, 0.6)),
            "phone": people.phone,
            "metadata": EMPTY_LIST,
            **stamps(created),
        },
    )


def _products(bench: Bench, block: Block, held: Catalogue) -> Chunk:
    dice, owner, rows = bench.dice("products", block), held.of_company.owner, held.of_company.size
    now = bench.recipe.now
    titles, kinds, _ = zip(*goods.PRODUCTS, strict=True)
    gone = dice.chance(rows, 0.02) & (held.of_company.rank > 0)
    return Chunk(
        block.database,
        "products",
        rows,
        {
            "id": held.products,
            "company_id": take(block.roster.ids, owner),
            "title": take(titles, held.kind),
            "handle": join("p-", text(held.kind), "-", text(held.of_company.rank)),
            "content": dice.among(goods.PRODUCT_TEXTS, rows),
            "type": take(kinds, held.kind),
            "published": dice.chance(rows, 0.9),
            "vendor": only(dice.among(goods.SUPPLIERS, rows), dice.chance(rows, 0.3)),
            "supplier_id": only(
                take(held.suppliers, held.supplier_of_company.pick(dice, owner)), dice.chance(rows, 0.3)
            ),
            "is_shippable": dice.chance(rows, 0.7),
            "is_taxable": dice.chance(rows, 0.6),
            "metadata": EMPTY_LIST,
            **stamps(held.created, dice.between(held.created, now, rows)),
            "deleted_at": moments(bench.recent(dice, held.created, limits.SOFT_DELETED), gone),
        },
    )


def _variants(bench: Bench, block: Block, held: Catalogue) -> Chunk:
    dice, product, rows = bench.dice("variants", block), held.of_product.owner, held.of_product.size
    created = held.created[product]
    reduced = dice.chance(rows, 0.15)
    # Barcodes of the range that shops give out themselves: 13 digits, and no product's in the world.
    barcode = join("20", text(10_000_000_000 + dice.below(89_999_999_999, rows)))
    options = documents(([], [1], [1, 2], ["rouge"]))
    return Chunk(
        block.database,
        "product_variants",
        rows,
        {
            "id": held.variants,
            "product_id": take(held.products, product),
            "title": take(goods.VARIANTS, held.of_product.rank + dice.below(4, rows)),
            "price": text(held.price),
            "compare_at_price": only(text(np.round(held.price * 1.2, 2)), reduced),
            "position": text(held.of_product.rank + 1),
            "sku": only(join("SKU-", text(dice.below(99_999, rows))), dice.chance(rows, 0.5)),
            "barcode": only(barcode, dice.chance(rows, 0.3)),
            "taxable": dice.chance(rows, 0.6),
            "follow_stock": dice.chance(rows, 0.8),
            "min_order_quantity": 1,
            "options": dice.among(options, rows),
            "metadata": EMPTY_LIST,
            **stamps(created),
        },
    )


def _stocks(bench: Bench, block: Block, held: Catalogue, stores: Shops) -> Iterator[Chunk]:
    dice, rows = bench.dice("stocks", block), held.of_product.size
    product = held.of_product.owner
    company = held.of_company.owner[product]
    made = held.created[product] + 2
    ids = dice.ulids(made)
    quantity = text(dice.below(400, rows))
    yield Chunk(
        block.database,
        "stocks",
        rows,
        {
            "id": ids,
            "company_id": take(block.roster.ids, company),
            "product_variant_id": held.variants,
            "title": take([title for title, *_ in goods.PRODUCTS], held.kind[product]),
            "quantity": quantity,
            "quantity_alert": 5,
            **stamps(made, dice.between(made, bench.recipe.now, rows)),
        },
    )
    place = stores.warehouse_of_company.pick(dice, company, skew=2.0)
    batched = dice.chance(rows, 0.2)
    yield Chunk(
        block.database,
        "stock_warehouse",
        rows,
        {
            "id": text(bench.serials(block.database, "stock_warehouse", rows)),
            "stock_id": ids,
            "warehouse_id": take(stores.warehouses, place),
            "quantity": quantity,
            "batch_number": only(join("LOT-", text(dice.below(9_999, rows))), batched),
            "production_date": moments(made - 30 * DAY, batched),
            "expiration_date": moments(made + 500 * DAY, batched),
            "metadata": EMPTY_LIST,
            **stamps(made),
        },
    )
