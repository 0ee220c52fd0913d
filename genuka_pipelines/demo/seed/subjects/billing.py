"""What Genuka bills its tenants, and when its staff looked into their data.

Only a tenant that was billed gives an address: the one reason for which the policy asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import Array, Bools, join, only, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import places
from genuka_pipelines.demo.seed.roster import ENTERPRISE, LIGHT, PLANS, PRO, Block
from genuka_pipelines.demo.seed.times import moments, stamps
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
    issued = bench.past(start + 3600)
    paid = bench.past(issued + dice.below(3 * DAY, rows))
    numbers = text(bench.serials(GENUKA, "platform_invoices", rows))
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
            "plan": take(PLANS, roster.plan[owner]),
            "period_start": moments(start),
            "period_end": moments(start + 31 * DAY),
            "amount": text(np.round(price / countries.rate(roster.country[owner]), 2)),
            "currency": countries.currency(roster.country[owner]),
            "billing_name": take(owners.full, owner),
            "billing_email": take(owners.email, owner),
            "billing_address": take(_billing_addresses(bench, block), owner),
            "processor": dice.among(_PROCESSORS, rows),
            "processor_reference": join("ref_", dice.letters(rows, 20)),
            "status": "paid",
            "issued_at": moments(issued),
            "paid_at": moments(paid),
            "pdf_key": only(join("invoices/", ids, ".pdf"), dice.chance(rows, 0.01)),
            **stamps(issued, paid),
        },
    )


def _billing_addresses(bench: Bench, block: Block) -> Array:
    dice, rows = bench.dice("billing addresses", block), block.size
    line = join(text(1 + dice.below(200, rows)), " ", dice.among(places.STREETS, rows))
    return countries.billing_address(line, block.roster.country)


def _support(bench: Bench, block: Block) -> Chunk:
    dice, roster = bench.dice("support", block), block.roster
    held = np.flatnonzero(dice.chance(block.size, 0.04))
    rows = len(held)
    started = bench.recent(dice, roster.created[held], limits.SUPPORT, until=7200)
    ended = bench.past(started + 300 + dice.below(3600, rows))
    return Chunk(
        GENUKA,
        "support_access_logs",
        rows,
        {
            "id": dice.ulids(started),
            "company_id": take(roster.ids, held),
            "staff_id": join("staff-", text(1 + dice.below(9, rows))),
            "reason": dice.among(("support", "explicit_request", "security"), rows),
            "ticket": join("T-", text(1000 + np.arange(rows))),
            "started_at": moments(started),
            "ended_at": moments(ended),
            **stamps(started, ended),
        },
    )
