"""Every chunk of a seeding, from a recipe alone: no database, no clock, no file.

Companies come block by block with all that hangs on them, so a chunk never refers further than its
block and memory hardly grows with the number of companies. The two halves share no table, so each
can be made and loaded beside the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.roster import Block, Roster, blocks
from genuka_pipelines.demo.seed.subjects import (
    afterwards,
    billing,
    browsing,
    catalogue,
    companies,
    customers,
    genletter,
    log,
    marketing,
    media,
    orders,
    recruitment,
    shops,
    staff,
    traces,
)
from genuka_pipelines.demo.seed.values import Recipe


def of_companies(recipe: Recipe, everyone: Roster) -> Iterator[Chunk]:
    """The rows of companies and of all that hangs on them; no chunk is empty."""
    bench = Bench(recipe)
    for block in blocks(everyone):
        yield from _filled(_block(bench, block))


def of_the_public(recipe: Recipe, everyone: Roster) -> Iterator[Chunk]:
    """The rows of visitors, candidates and subscribers, and all of Genletter; no chunk is empty."""
    bench = Bench(recipe)
    yield from _filled(browsing.chunks(bench, everyone))
    yield from _filled(recruitment.chunks(bench))
    yield from _filled(marketing.chunks(bench, everyone))
    yield from _filled(genletter.chunks(bench, everyone))


def _block(bench: Bench, block: Block) -> Iterator[Chunk]:
    yield from companies.chunks(bench, block)
    yield from billing.chunks(bench, block)
    team = staff.staff(bench, block)
    yield from staff.chunks(bench, block, team)
    stores = shops.shops(bench, block)
    yield from shops.chunks(bench, block, stores, team)
    people = customers.customers(bench, block)
    yield from customers.chunks(bench, block, people, stores)
    held = catalogue.catalogue(bench, block)
    yield from catalogue.chunks(bench, block, held, stores)
    tenant = orders.Tenant(block, team, stores, people, held)
    yield from traces.chunks(bench, tenant)
    yield from media.chunks(bench, tenant)
    yield log.of_customers(bench, tenant)
    for part, chunks in orders.slices(bench, tenant):
        yield from chunks
        yield from afterwards.chunks(bench, tenant, part)
        yield from traces.order_chunks(bench, tenant, part)
        yield log.of_orders(bench, tenant, part)


def _filled(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    return (chunk for chunk in chunks if chunk.rows)
