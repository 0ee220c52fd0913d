"""The users of each company and what they carry about: tokens, sessions, recordings.

Their names are in `oauth_access_tokens.name` too, and a recording is found again only by its user
or distinct id: the request of one person touches all four tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genuka_pipelines.demo.seed import limits
from genuka_pipelines.demo.seed.arrays import (
    EMPTY_LIST,
    Array,
    Ints,
    choose,
    documents,
    first_of,
    join,
    only,
    strings,
    take,
    text,
)
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.folk import Folk, either, folk
from genuka_pipelines.demo.seed.groups import Groups
from genuka_pipelines.demo.seed.pools import agents
from genuka_pipelines.demo.seed.roster import Block
from genuka_pipelines.demo.seed.subjects.network import addresses_of_devices, user_agents
from genuka_pipelines.demo.seed.times import moments, stamps
from genuka_pipelines.demo.seed.values import DAY, GENUKA

_ROLES = ("manager", "employee", "courrier", "admin")
_PERMISSIONS: tuple[object, ...] = (
    ["*"],
    ["orders.*", "customers.view"],
    ["orders.view", "deliveries.update"],
    [],
)
_LANGUAGES: tuple[object, ...] = ({"lang": "fr", "locale": "fr-FR"}, {"lang": "en", "locale": "en-US"}, [])


@dataclass(frozen=True, eq=False)
class Staff:
    """The users of a block's companies."""

    of_company: Groups
    ids: Array
    people: Folk
    created: Ints

    def owner(self, company: Ints) -> Array:
        """The id of each company's owner."""
        return take(self.ids, self.of_company.first[company])

    def anyone(self, dice: Dice, company: Ints) -> Array:
        """The id of somebody of each company."""
        return take(self.ids, self.of_company.pick(dice, company))


def staff(bench: Bench, block: Block) -> Staff:
    """The users of a block; the first of each company is its owner."""
    dice = bench.dice("staff", block)
    roster = block.roster
    more = dice.unit(block.size) * (1.4 + np.minimum(roster.weight, 6.0))
    of_company = Groups(1 + more.astype(np.int64))
    owner, first = of_company.owner, of_company.rank == 0
    created = np.where(
        first, roster.created[owner], dice.between(roster.created[owner], bench.recipe.now, of_company.size)
    )
    serial = bench.recipe.companies + int(bench.serials(GENUKA, "staff mail", of_company.size)[0])
    hired = folk(dice.branch("people"), roster.country[owner], serial)
    people = either(first, roster.owners.at(owner), hired)
    return Staff(of_company, dice.ulids(created), people, created)


def chunks(bench: Bench, block: Block, team: Staff) -> Iterator[Chunk]:
    """Users, tokens, password resets, sessions and recordings of a block."""
    dice = bench.dice("users", block)
    yield _users(bench, block, team, dice)
    yield _tokens(bench, team, dice)
    yield _resets(bench, team, dice)
    yield _sessions(bench, team, dice)
    yield _recordings(bench, block, team, dice)


def password_hashes(dice: Dice, length: int) -> Array:
    """Strings shaped like bcrypt hashes; no password stands behind them."""
    return join("$2y$12$", dice.letters(length, 53))


def _users(bench: Bench, block: Block, team: Staff, dice: Dice) -> Chunk:
    now, rows = bench.recipe.now, team.of_company.size
    owner = team.of_company.owner
    first = team.of_company.rank == 0
    gone = dice.chance(rows, 0.03) & ~first
    seen = dice.between(np.maximum(team.created, now - 40 * DAY), now, rows)
    with_pin = dice.chance(rows, 0.15)
    role = dice.below(3, rows)
    return Chunk(
        GENUKA,
        "users",
        rows,
        {
            "id": team.ids,
            "company_id": take(block.roster.ids, owner),
            "first_name": team.people.first,
            "last_name": team.people.last,
            "email": team.people.email,
            "phone": only(team.people.phone, dice.chance(rows, 0.7)),
            "role": choose(first, "admin", take(_ROLES, role)),
            "permissions": choose(first, '["*"]', take(documents(_PERMISSIONS), role + 1)),
            "opt_in": dice.chance(rows, 0.2),
            "pin_enabled": with_pin,
            "pin": only(password_hashes(dice, rows), with_pin),
            "password": password_hashes(dice, rows),
            "remember_token": only(dice.letters(rows, 60), dice.chance(rows, 0.4)),
            "last_activity": moments(seen, dice.chance(rows, 0.9)),
            "last_login_at": moments(np.maximum(seen - dice.below(6 * 3600, rows), team.created)),
            "last_login_ip": addresses_of_devices(dice.below(1 << 40, rows)),
            "metadata": dice.among(documents(_LANGUAGES), rows),
            **stamps(team.created, seen),
            "deleted_at": moments(bench.recent(dice, team.created, limits.SOFT_DELETED), gone),
        },
    )


def _tokens(bench: Bench, team: Staff, dice: Dice) -> Chunk:
    held = np.flatnonzero(dice.chance(team.of_company.size, 0.4))
    rows = len(held)
    made = bench.recent(dice, team.created[held], limits.TOKEN)
    return Chunk(
        GENUKA,
        "oauth_access_tokens",
        rows,
        {
            "id": dice.hexes(rows, 80),
            "user_id": take(team.ids, held),
            "client_id": dice.among(agents.CLIENTS, rows),
            "name": take(team.people.full, held),
            "scopes": EMPTY_LIST,
            "revoked": 0,
            "expires_at": moments(made + 365 * DAY),
            **stamps(made),
        },
    )


def _resets(bench: Bench, team: Staff, dice: Dice) -> Chunk:
    held = np.flatnonzero(dice.chance(team.of_company.size, 0.004))
    rows = len(held)
    return Chunk(
        GENUKA,
        "password_reset_tokens",
        rows,
        {
            "email": take(team.people.email, held),
            "token": password_hashes(dice, rows),
            "created_at": moments(bench.recipe.now - 60 - dice.below(45 * 60, rows)),
        },
    )


def _sessions(bench: Bench, team: Staff, dice: Dice) -> Chunk:
    now = bench.recipe.now
    rows = int(team.of_company.size * 2.2) + 1
    user = dice.below(team.of_company.size, rows)
    known = dice.chance(rows, 0.75)
    active = dice.between(now - limits.SESSION_IDLE * DAY, now, rows)
    born = np.where(known, np.maximum(team.created[user], now - limits.SESSION_LIFE * DAY), active - DAY)
    device = dice.below(1 << 40, rows)
    payload = strings(
        f"YTozOntzOjY6Il90b2tlbiI7czo0MDoi{token}Ijt9" for token in ("bGlzdGU", "cGFuaWVy", "Y29tcHRl", "dmVudGU")
    )
    return Chunk(
        GENUKA,
        "sessions",
        rows,
        {
            "id": dice.letters(rows, 40),
            "user_id": only(take(team.ids, user), known),
            "ip_address": addresses_of_devices(device),
            "user_agent": user_agents(device),
            "payload": dice.among(payload, rows),
            "last_activity": text(active),
            "created_at": moments(dice.between(np.minimum(born, active), active, rows)),
        },
    )


def _recordings(bench: Bench, block: Block, team: Staff, dice: Dice) -> Chunk:
    rows = int(team.of_company.size * 1.1) + 1
    user = dice.below(team.of_company.size, rows)
    known = dice.chance(rows, 0.7)
    started = bench.recent(dice, team.created[user], limits.RECORDING, until=1800)
    ended = bench.past(started + 20 + dice.below(1700, rows))
    ids = take(team.ids, user)
    return Chunk(
        GENUKA,
        "session_recordings",
        rows,
        {
            "id": join("rec-", dice.hexes(rows, 32)),
            "company_id": take(block.roster.ids, team.of_company.owner[user]),
            "user_id": only(ids, known),
            "distinct_id": first_of(only(ids, known), dice.hexes(rows, 32)),
            "started_at": moments(started),
            "ended_at": moments(ended, dice.chance(rows, 0.97)),
        },
    )
