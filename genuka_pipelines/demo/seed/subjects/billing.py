"""What Genuka bills its tenants, and when its staff looked into their data.

Only a tenant that was billed gives an address: the one reason for which the policy asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import limits
from genuka_pipelines.demo.seed.arrays import (
    Array,
    Bools,
    join,
    moments,
    only,
    quoted,
    strings,
    take,
    text,
)
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import places
from genuka_pipelines.demo.seed.roster import ENTERPRISE, LIGHT, PLANS, PRO, Block
from genuka_pipelines.demo.seed.values import DAY, GENUKA

_PRICES = {PRO: 15_000, ENTERPRISE: 90_000}
_PROCESSORS = ("stripe", "flutterwave", "notchpay")


def billed(block: Block, now: int) -> Bools:
    """Which companies have had an invoice from Genuka: a paid plan, for a month at least."""
    paying: Bools = (block.roster.plan != LIGHT) & (block.roster.created < now - 31 * DAY)
    return paying


def chunks(bench: Bench, block: Block) -> Iterator[Chunk]:
    """Invoices to a block's companies, and visits of the support team."""
    yield _invoices(bench, block)
    yield _support(bench, block)


def _invoices(bench: Bench, block: Block) -> Chunk:
    dice, roster = bench.dice("platform invoices", block), block.roster
    now = bench.recipe.now
    months = np.minimum((now - roster.created) // (31 * DAY), limits.PLATFORM_INVOICES)
    of_company = Groups(np.where(billed(block, now), months, 0))
    owner, rows = of_company.owner, of_company.size
    start = np.maximum(roster.created, now - limits.PLATFORM_INVOICES * 31 * DAY)[owner] + of_company.rank * 31 * DAY
    issued = np.minimum(start + 3600, now - 1)
    paid = np.minimum(issued + dice.below(3 * DAY, rows), now - 1)
    currency = strings(country.currency for country in places.COUNTRIES)
    numbers = text(bench.serials(GENUKA, "platform_invoices", rows))
    rate = np.array([places.CURRENCY_RATES[country.currency] for country in places.COUNTRIES])
    price = np.where(roster.plan == ENTERPRISE, _PRICES[ENTERPRISE], _PRICES[PRO])[owner]
    owners, ids = roster.owners, dice.ulids(issued)
    return Chunk(
        GENUKA,
        "platform_invoices",
        rows,
        {
            "id": ids,
            "company_id": take(roster.ids, owner),
            "number": join("GK-", numbers),
            "plan": take(strings(PLANS), roster.plan[owner]),
            "period_start": moments(start),
            "period_end": moments(start + 31 * DAY),
            "amount": text(np.round(price / rate[roster.country[owner]], 2)),
            "currency": take(currency, roster.country[owner]),
            "billing_name": take(owners.full, owner),
            "billing_email": take(owners.email, owner),
            "billing_address": take(_billing_addresses(bench, block), owner),
            "processor": dice.among(strings(_PROCESSORS), rows),
            "processor_reference": join("ref_", dice.letters(rows, 20)),
            "status": "paid",
            "issued_at": moments(issued),
            "paid_at": moments(paid),
            "pdf_key": only(join("invoices/", ids, ".pdf"), dice.chance(rows, 0.01)),
            "created_at": moments(issued),
            "updated_at": moments(paid),
        },
    )


def _billing_addresses(bench: Bench, block: Block) -> Array:
    dice, rows = bench.dice("billing addresses", block), block.size
    towns = strings(country.towns[0][0] for country in places.COUNTRIES)
    codes = strings(country.code for country in places.COUNTRIES)
    return join(
        '{"line1":"',
        text(1 + dice.below(200, rows)),
        " ",
        dice.among(strings(places.STREETS), rows),
        '","city":',
        quoted(take(towns, block.roster.country)),
        ',"country":"',
        take(codes, block.roster.country),
        '"}',
    )


def _support(bench: Bench, block: Block) -> Chunk:
    dice, roster = bench.dice("support", block), block.roster
    now = bench.recipe.now
    held = np.flatnonzero(dice.chance(block.size, 0.04))
    rows = len(held)
    started = dice.between(np.maximum(roster.created[held], now - limits.SUPPORT * DAY), now - 7200, rows)
    ended = np.minimum(started + 300 + dice.below(3600, rows), now - 1)
    return Chunk(
        GENUKA,
        "support_access_logs",
        rows,
        {
            "id": dice.ulids(started),
            "company_id": take(roster.ids, held),
            "staff_id": join("staff-", text(1 + dice.below(9, rows))),
            "reason": dice.among(strings(("support", "explicit_request", "security")), rows),
            "ticket": join("T-", text(1000 + np.arange(rows))),
            "started_at": moments(started),
            "ended_at": moments(ended),
            "created_at": moments(started),
            "updated_at": moments(ended),
        },
    )
