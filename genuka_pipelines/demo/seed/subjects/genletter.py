"""The rows of Genletter's own database: accounts, profiles, invoices, chats, cookie choices.

A quarter of its accounts are Genuka's users under the same e-mail, so a request that concerns both
products has something to find in both.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import Array, Ints, choose, documents, join, only, take, text
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.folk import Folk, either, folk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import agents, phrases, places
from genuka_pipelines.demo.seed.roster import Roster
from genuka_pipelines.demo.seed.subjects.staff import password_hashes
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY, GENLETTER

_PREFERENCES: tuple[object, ...] = (
    {"theme": "dark", "frequency": "weekly"},
    {"theme": "light", "langue": "fr"},
    [],
)
_LIFE = 700


def chunks(bench: Bench, everyone: Roster) -> Iterator[Chunk]:
    """Every row of Genletter."""
    now, dice = bench.recipe.now, bench.dice("genletter")
    rows = int(everyone.size * 1.3) + 2
    company = dice.below(everyone.size, rows)
    country = everyone.country[company]
    shared = (np.arange(rows) < everyone.size) & dice.chance(rows, 0.3)
    # Each owner at most once, so that an e-mail still names one account.
    owners = everyone.owners.at(np.minimum(np.arange(rows), everyone.size - 1))
    strangers = folk(dice.branch("people"), country, 1)
    people = either(shared, owners, strangers)
    created = dice.between(now - _LIFE * DAY, now - DAY, rows)
    ids = dice.ulids(created)
    closed = dice.chance(rows, 0.02)
    ending = bench.recent(dice, created, limits.CLOSED)
    seen = dice.between(np.maximum(created, now - 60 * DAY), now, rows)
    yield Chunk(
        GENLETTER,
        "accounts",
        rows,
        {
            "id": ids,
            "name": people.full,
            "email": people.email,
            "password": password_hashes(dice, rows),
            "locale": dice.among(("fr", "en"), rows),
            "email_verified_at": moments(created + 300, dice.chance(rows, 0.9)),
            "last_login_at": moments(np.where(closed, np.minimum(seen, ending), seen)),
            "marketing_objected_at": moments(dice.between(created, now, rows), dice.chance(rows, 0.06)),
            "closed_at": moments(ending, closed),
            **stamps(created, np.where(closed, ending, created)),
        },
    )
    yield Chunk(
        GENLETTER,
        "user_profiles",
        rows,
        {
            "id": dice.ulids(created),
            "account_id": ids,
            "name": people.full,
            "photo_key": only(join("profiles/", ids, "/photo.png"), dice.chance(rows, 0.03)),
            "preferences": dice.among(documents(_PREFERENCES), rows),
            **stamps(created),
        },
    )
    yield _invoices(bench, dice, ids, people, country, created)
    yield from _chats(bench, dice, ids, created)
    yield _cookies(bench, dice, ids, created)


def _invoices(bench: Bench, dice: Dice, accounts: Array, people: Folk, country: Ints, created: Ints) -> Chunk:
    now = bench.recipe.now
    paying = dice.chance(len(created), 0.35)
    months = Groups(np.where(paying, np.minimum((now - created) // (31 * DAY), 12), 0))
    owner, rows = months.owner, months.size
    issued = bench.past(created[owner] + months.rank * 31 * DAY + 60)
    line = join(text(1 + owner % 200), " ", take(places.STREETS, owner % len(places.STREETS)))
    return Chunk(
        GENLETTER,
        "billing_invoices",
        rows,
        {
            "id": dice.ulids(issued),
            "account_id": take(accounts, owner),
            "number": join("GL-", text(bench.serials(GENLETTER, "billing_invoices", rows))),
            "billing_name": take(people.full, owner),
            "billing_address": countries.billing_address(line, country[owner]),
            "amount": "9.90",
            "currency": "EUR",
            "processor": "stripe",
            "processor_reference": join("pi_", dice.letters(rows, 20)),
            "status": "paid",
            "issued_at": moments(issued),
            "paid_at": moments(bench.past(issued + 120)),
            **stamps(issued),
        },
    )


def _chats(bench: Bench, dice: Dice, accounts: Array, created: Ints) -> Iterator[Chunk]:
    rows = int(len(created) * 0.5) + 1
    account = dice.below(len(created), rows)
    known = dice.chance(rows, 0.6)
    started = bench.recent(dice, created[account], limits.CHAT, until=7200)
    closed = started + 300 + dice.below(3600, rows)
    ids = dice.ulids(started)
    browser = dice.below(len(agents.BROWSERS), rows)
    named, _, platforms, _ = zip(*agents.BROWSERS, strict=True)
    yield Chunk(
        GENLETTER,
        "chat_conversations",
        rows,
        {
            "id": ids,
            "account_id": only(take(accounts, account), known),
            "visitor_id": dice.hexes(rows, 32),
            "device_id": dice.hexes(rows, 32),
            "provider": "tawk_to",
            "page_url": join("https://genletter.example", dice.among(agents.PATHS, rows)),
            "browser": take(named, browser),
            "platform": take(platforms, browser),
            "started_at": moments(started),
            "closed_at": moments(closed, dice.chance(rows, 0.9)),
            **stamps(started, closed),
        },
    )
    messages = Groups(2 + dice.below(6, rows))
    sent = started[messages.owner] + messages.rank * 40
    visitor = messages.rank % 2 == 0
    yield Chunk(
        GENLETTER,
        "chat_messages",
        messages.size,
        {
            "id": dice.ulids(sent),
            "conversation_id": take(ids, messages.owner),
            "author": choose(visitor, "visitor", "agent"),
            "body": choose(
                visitor,
                dice.among(phrases.CHAT_VISITOR, messages.size),
                dice.among(phrases.CHAT_AGENT, messages.size),
            ),
            "sent_at": moments(sent),
            **stamps(sent),
        },
    )


def _cookies(bench: Bench, dice: Dice, accounts: Array, created: Ints) -> Chunk:
    now = bench.recipe.now
    rows = int(len(created) * 1.2) + 3
    account = dice.below(len(created), rows)
    asked = bench.recent(dice, created[account], limits.COOKIES, until=60)
    agreed = dice.chance(rows, 0.6)
    agreed[:2] = (True, False)
    regretted = agreed & dice.chance(rows, 0.08)
    return Chunk(
        GENLETTER,
        "cookie_consents",
        rows,
        {
            "id": dice.ulids(asked),
            "account_id": only(take(accounts, account), dice.chance(rows, 0.5)),
            "anonymous_id": dice.hexes(rows, 32),
            "ip_truncated": join("198.18.", text(dice.below(256, rows)), ".0"),
            "categories": choose(agreed, '{"necessary":true,"analytics":true}', '{"necessary":true,"analytics":false}'),
            "do_not_track": dice.chance(rows, np.where(agreed, 0.03, 0.4)),
            "policy_version": "2024-05-03",
            "granted_at": moments(asked, agreed),
            "refused_at": moments(asked, ~agreed),
            "withdrawn_at": moments(dice.between(asked, now, rows), regretted),
            **stamps(asked),
        },
    )
