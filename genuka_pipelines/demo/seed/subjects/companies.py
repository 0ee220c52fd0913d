"""Companies with their plans, databases, onboarding and consents.

The plan, the opt-in and the database of a tenant stand in three tables, and a person's name in a
document of a fourth: every later question about a tenant is a join over what is made here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import EMPTY_LIST, Array, choose, constant, join, only, quoted, take, text, upper
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.pools import goods
from genuka_pipelines.demo.seed.roster import PLANS, Block
from genuka_pipelines.demo.seed.times import moments, spelled, stamps
from genuka_pipelines.demo.seed.values import DAY, GENUKA, dedicated_refs


def names(bench: Bench, block: Block) -> Array:
    """The companies' names: a trade and a surname, or a sole trader's own name."""
    dice = bench.dice("company names", block)
    trade = join(
        dice.among(goods.COMPANY_PREFIXES, block.size),
        " ",
        block.roster.owners.last,
        dice.among(goods.COMPANY_SUFFIXES, block.size),
    )
    return choose(dice.chance(block.size, 0.12), block.roster.owners.full, trade)


def chunks(bench: Bench, block: Block) -> Iterator[Chunk]:
    """Every row of a block's companies on the platform's side."""
    yield _companies(bench, block)
    yield _onboardings(bench, block)
    yield _subscriptions(bench, block)
    yield _databases(bench, block)
    yield _consents(bench, block)


def _companies(bench: Bench, block: Block) -> Chunk:
    dice, roster, rows = bench.dice("companies", block), block.roster, block.size
    named = names(bench, block)
    accepted = join(
        '{"payment_terms":{"accepted_at":"',
        spelled(roster.created + 600),
        '.000000Z","accepted_by":',
        quoted(roster.owners.full),
        '},"contact":',
        quoted(roster.owners.phone),
        "}",
    )
    return Chunk(
        GENUKA,
        "companies",
        rows,
        {
            "id": roster.ids,
            "name": named,
            "handle": join("c", text(np.arange(block.first + 1, block.first + rows + 1)), "-", dice.hexes(rows, 4)),
            "type": "business",
            "company_code": only(upper(dice.letters(rows, 8)), dice.chance(rows, 0.8)),
            "description": dice.among(goods.PRODUCT_TEXTS, rows),
            "currency_code": countries.currency(roster.country),
            "currency_name": countries.currency_name(roster.country),
            "country_code": countries.code(roster.country),
            "metadata": choose(dice.chance(rows, 0.75), accepted, EMPTY_LIST),
            "variables": only(constant(EMPTY_LIST, rows), dice.chance(rows, 0.5)),
            **stamps(roster.created, dice.between(roster.created, bench.recipe.now, rows)),
        },
    )


def _onboardings(bench: Bench, block: Block) -> Chunk:
    dice, rows = bench.dice("onboardings", block), block.size
    created = block.roster.created
    finished = bench.past(created + 300 + dice.below(5 * DAY, rows))
    return Chunk(
        GENUKA,
        "company_onboardings",
        rows,
        {
            "id": text(bench.serials(GENUKA, "company_onboardings", rows)),
            "company_id": block.roster.ids,
            "step": dice.among(("source", "catalogue", "team", "done"), rows),
            "started_at": moments(created),
            "finished_at": moments(finished, dice.chance(rows, 0.8)),
            "metadata": EMPTY_LIST,
            **stamps(created, finished),
        },
    )


def _subscriptions(bench: Bench, block: Block) -> Chunk:
    dice, roster, rows = bench.dice("subscriptions", block), block.roster, block.size
    now = bench.recipe.now
    trial = roster.created > now - 14 * DAY
    ended = _ended_at(bench, block)
    plan = take(PLANS, roster.plan)
    lookup = [f"genuka_{plan.lower()}_monthly" for plan in PLANS]
    return Chunk(
        GENUKA,
        "genuka_subscriptions",
        rows,
        {
            "id": dice.ulids(roster.created),
            "company_id": roster.ids,
            "plan": plan,
            "lookup_key": take(lookup, roster.plan),
            "status": choose(roster.ended, "canceled", choose(trial, "trialing", "active")),
            "started_at": moments(roster.created),
            "trial_ends_at": moments(roster.created + 14 * DAY),
            "cancelled_at": moments(ended - DAY, roster.ended),
            "ended_at": moments(ended, roster.ended),
            **stamps(roster.created, np.maximum(np.where(roster.ended, ended, roster.created), roster.created)),
        },
    )


def _ended_at(bench: Bench, block: Block) -> Array:
    dice = bench.dice("ends", block)
    return dice.between(bench.recipe.now - limits.CLOSED * DAY, bench.recipe.now, block.size)


def _databases(bench: Bench, block: Block) -> Chunk:
    dice, roster, rows = bench.dice("databases", block), block.roster, block.size
    refs = (None, *dedicated_refs(bench.recipe.companies))
    used = bench.recent(dice, roster.created, limits.LAST_USED)
    return Chunk(
        GENUKA,
        "tenant_databases",
        rows,
        {
            "company_id": roster.ids,
            "mode": choose(roster.dedicated >= 0, "dedicated", "shared"),
            "plan": take(PLANS, roster.plan),
            "dsn_secret_ref": take(refs, roster.dedicated + 1),
            "last_used_at": moments(used),
            "subscription_ended_at": moments(_ended_at(bench, block), roster.ended),
            **stamps(roster.created, used),
        },
    )


def _consents(bench: Bench, block: Block) -> Chunk:
    """Opt-ins to analytics: given, or given and taken back; most companies never answered."""
    dice, roster = bench.dice("consents", block), block.roster
    now = bench.recipe.now
    regretted = ~roster.opted_in & dice.chance(block.size, 0.06)
    held = np.flatnonzero(roster.opted_in | regretted)
    rows = len(held)
    granted = dice.between(roster.created[held], now - 3600, rows)
    withdrawn = dice.between(granted, now, rows)
    return Chunk(
        GENUKA,
        "company_consents",
        rows,
        {
            "id": dice.ulids(granted),
            "company_id": take(roster.ids, held),
            "purpose": "analytics",
            "granted_at": moments(granted),
            "withdrawn_at": moments(withdrawn, regretted[held]),
            **stamps(granted, np.where(regretted[held], withdrawn, granted)),
        },
    )
