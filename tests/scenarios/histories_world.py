"""A small real world in which many people's histories run side by side: databases, backups, requests, and its model."""

from __future__ import annotations

import datetime as dt
import functools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from genuka_pipelines.backups.capturing import capture
from genuka_pipelines.backups.capturing.state import forget
from genuka_pipelines.backups.restoring import Reach, Restored, opened_backups, plan_of, restore, targets_in
from genuka_pipelines.catalog.backup import BackupPlan
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.processor import Processor, Tenants
from genuka_pipelines.catalog.request import RequestPlan
from genuka_pipelines.control import SubjectScope
from genuka_pipelines.requests.answering import Answer, answer
from genuka_pipelines.requests.deciding import approve, identify, look
from genuka_pipelines.requests.registering import Asked, register
from genuka_pipelines.rows.content import Contents
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.mysql.dump import MySQLDump
from genuka_pipelines.systems.postgresql.dump import PostgreSQLDump
from tests.backups.made import scratch
from tests.backups.taken import BackedHouse
from tests.rows.destroyer import control_database, keyring
from tests.rows.shop import catalog
from tests.scenarios.histories_model import Mention, Model, Tables, copied, differences, mentioned
from tests.servers import Kind, fresh_database

SYSTEM = "shop_database"
COMPANIES = ("alpha", "b'é😀")


def _lasting(since: str, **more: Any) -> list[dict[str, Any]]:
    return [{"keep": "P50Y", "since": since, "clause": "SH-01", **more}]


def _law(since: str, meanwhile: str) -> dict[str, Any]:
    return {"law": {"since": since, "minimum": {"FR": "P10Y"}, "meanwhile": meanwhile, "basis": "Law 1"}}


def _of(subject: str | None, retention: list[dict[str, Any]], **columns: str) -> dict[str, Any]:
    whose = {"subject": {"person": subject}} if subject else {}
    first = {"id": "user.unique_id" if subject == "id" else "system", "company_id": "tenant"}
    return {"tenant": "company_id", **whose, "columns": {**first, **columns}, "retention": retention}


TABLES: dict[str, Any] = {
    "companies": {"tenant": "id", "columns": {"id": "tenant", "made_at": "system"}, "retention": _lasting("made_at")},
    "people": _of("id", _lasting("made_at"), email="user.contact.email", name="user.name", made_at="system"),
    "sessions": _of("person_id", _lasting("made_at"), person_id="user.unique_id", made_at="system"),
    "messages": _of("author_id", _lasting("made_at"), author_id="user.unique_id", body="user.content",
                    made_at="system"),
    "logs": _of(None, _lasting("made_at"), detail="user.content", made_at="system"),
    "orders": _of("person_id", _lasting("placed_at", **_law("placed_at", "keep")), person_id="user.unique_id",
                  note="user.content", placed_at="system"),
    "invoices": _of("person_id", _lasting("issued_at", **_law("issued_at", "anonymise")), person_id="user.unique_id",
                    billed_to="user.name", issued_at="system"),
}  # fmt: skip
_INTEGERS = {"messages", "logs", "orders"}
"""Tables whose rows are numbered; the number of the last row that went is given again."""
_LONG: Mapping[str, Any] = {"detail": sa.JSON, "body": sa.Text, "note": sa.Text}
SCHEMA = sa.MetaData()


def _column(table: str, name: str) -> sa.Column[Any]:
    if name == "id":
        kind = sa.Integer() if table in _INTEGERS else sa.String(60)
        return sa.Column(name, kind, primary_key=True, autoincrement=False)
    return sa.Column(name, sa.DateTime() if name.endswith("_at") else _LONG.get(name, sa.String(60)))


SQL = {
    name: sa.Table(name, SCHEMA, *(_column(name, column) for column in table["columns"]))
    for name, table in TABLES.items()
}
LONG_AGO = dt.datetime(2013, 1, 1)
PLAN = RequestPlan.model_validate({"title": {"fr": "Demandes", "en": "Requests"}})


@functools.cache
def facts() -> Catalog:
    base: dict[str, Any] = {
        "title": {"fr": "Titre", "en": "Title"}, "source": "given", "system": SYSTEM, "role": "controller",
        "subjects": ["person"], "purposes": ["improve"], "legal_basis": ["contract"], "law": ["GDPR"],
    }  # fmt: skip
    place = {"title": {"fr": "Ici", "en": "Here"}, "place": {"country": "FR"}}
    host = Processor.model_validate(
        {
            "title": {"fr": "Hôte", "en": "Host"}, "legal_name": "Host", "role": "own", "purposes": ["improve"],
            "systems": {
                SYSTEM: {"kind": "database", "setting": "genuka", "tenants": Tenants(table="companies"), **place},
                "backups_france": {"kind": "store", "setting": "france", **place},
                "backups_usa": {"kind": "store", "setting": "usa", **place},
            },
        }
    )  # fmt: skip
    backup = BackupPlan.model_validate(
        {
            "title": {"fr": "Sauvegarde", "en": "Backup"}, "databases": [SYSTEM], "scratch": SYSTEM,
            "regions": {"france": "backups_france", "usa": "backups_usa"}, "recovery": {"tenant_minutes": 60},
        }
    )  # fmt: skip
    found = catalog(people=Category.model_validate({**base, "tables": TABLES}))
    return replace(found, processors={"host": host}, backups={"nightly": backup})


@dataclass
class House(BackedHouse):
    """The house, as far as answering a request of a person reaches."""

    def contents(self, system: str) -> Contents:
        raise AssertionError(f"no row of {system} points at anything")


@dataclass
class Pending:
    """A request that waits for a hold to end."""

    name: str
    keys: frozenset[str]
    addresses: frozenset[str]
    mentions: frozenset[Mention]


@dataclass
class Person:
    """One history: its own dice, how often it came back or moved, and the hold on one of its keys."""

    number: int
    dice: random.Random
    keys: int = 0
    addresses: int = 0
    key: str = ""
    held: str | None = None
    held_as: str = ""
    pending: Pending | None = None

    def happens(self, share: float) -> bool:
        return self.dice.random() < share

    @property
    def address(self) -> str:
        return f"p{self.number}-{self.addresses}@example.org"

    @property
    def company(self) -> str:
        return COMPANIES[self.number % 2]


@dataclass
class World:
    """People, the live database, nights, and the model beside them."""

    house: Any
    kind: Kind
    stack: ExitStack
    dice: random.Random
    people: Sequence[Person]
    model: Model
    now: datetime
    nights: list[tuple[str, datetime, Tables]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    plan: RequestPlan = PLAN

    def later(self) -> None:
        """Some hours later; now and then weeks. Never so little that two clocks could be confused."""
        self.now += timedelta(days=20) if self.dice.random() < 0.03 else timedelta(hours=self.dice.randint(2, 30))

    @property
    def held(self) -> frozenset[str]:
        return frozenset(person.held_as for person in self.people if person.held)

    def alive(self, person: Person) -> bool:
        return person.key in self.model.live["people"]

    # What people do ------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """A day: some register, move, order, say something of others."""
        new: dict[str, list[dict[str, Any]]] = {name: [] for name in SQL}
        moved: list[tuple[str, str]] = []
        for person in self.people:
            if not self.alive(person):
                if person.happens(0.4):
                    self._registers(person, new)
            elif person.happens(0.1):
                person.addresses += 1
                row = self.model.live["people"][person.key]
                self.model.live["people"][person.key] = {**row, "email": person.address}
                moved.append((person.key, person.address))
            if self.alive(person):
                self._acts(person, new)
        said = self._say_again()
        engine = sa.create_engine(self.house.shared.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for name, rows in new.items():
                if rows:
                    connection.execute(SQL[name].insert(), rows)
            for key, email in moved:
                connection.execute(SQL["people"].update().where(SQL["people"].c.id == key).values(email=email))
            for number, body in said:
                connection.execute(SQL["messages"].update().where(SQL["messages"].c.id == number).values(body=body))

    def _say_again(self) -> list[tuple[int, str]]:
        """Texts out of which an address was cut, and in which it is written again now that somebody has it again."""
        messages = self.model.live["messages"]
        used = {row["email"] for row in self.model.live["people"].values()}
        found = {}
        for name, key, address in sorted(self.model.cut):
            if name == "messages" and key in messages and address in used and self.dice.random() < 0.3:
                messages[key] = {**messages[key], "body": f"{address} came back"}
                found[messages[key]["id"]] = messages[key]["body"]
        self.seen["mentioned again"] += len(found)
        return list(found.items())

    def _registers(self, person: Person, new: dict[str, list[dict[str, Any]]]) -> None:
        """Under a new key or the old one, the same address, another, or one that somebody else had."""
        again = bool(person.key)
        if not (again and person.happens(0.4)):
            person.keys += 1
            person.key = f"k{person.number}-{person.keys}"
        email = person.address
        other = self.people[person.dice.randrange(len(self.people))]
        if again and person.happens(0.2):
            email = other.address
        if email in {row["email"] for row in self.model.live["people"].values()}:
            person.addresses += 1
            email = person.address
        self.seen["registered"] += 1
        self.seen["came back"] += again
        self._write(new, "people", person, key=person.key, email=email, name=f"Zoé <{person.number}>")

    def _acts(self, person: Person, new: dict[str, list[dict[str, Any]]]) -> None:
        mine = person.key
        if person.happens(0.2):
            self._write(new, "sessions", person, person_id=mine)
        old = LONG_AGO if person.happens(0.3) else dt.datetime(2024, 5, 1)
        if person.happens(0.12):
            own = self.model.live["people"][mine]["email"]
            self._write(new, "orders", person, person_id=mine, note=f"for {own}", placed_at=old)
        if person.happens(0.12):
            self._write(new, "invoices", person, person_id=mine, billed_to="L'Été", issued_at=old)
        if person.happens(0.2):
            self._write(new, "messages", person, author_id=mine, body=f"ask {self._other(person)}, or x")
        if person.happens(0.15):
            detail = {"to": [self._other(person), 7], self._other(person): None}
            self._write(new, "logs", person, detail=detail)

    def _other(self, person: Person) -> str:
        """An address that somebody has, or had, in some case."""
        other = self.people[person.dice.randrange(len(self.people))]
        there = self.model.live["people"].get(other.key)
        email = there["email"] if there else other.address
        return email.upper() if person.happens(0.3) else email

    def _write(self, new: dict[str, list[dict[str, Any]]], table: str, person: Person, *, key: str = "",
               **values: Any) -> None:  # fmt: skip
        rows = self.model.live[table]
        number: Any = key or f"{table[0]}{self.dice.getrandbits(60):x}"
        if table in _INTEGERS:
            number = max((int(one) for one in rows), default=0) + 1
        row = {"id": number, "company_id": person.company, "made_at": LONG_AGO, **values}
        row = {name: row[name] for name in TABLES[table]["columns"]}
        rows[str(number)] = row
        new[table].append(row)

    # Requests and holds --------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Some ask to be erased: those under a hold alone, of the others one alone and the rest in one request."""
        chosen = [one for one in self.people if self.alive(one) and one.pending is None and one.happens(0.15)]
        bound = self.held
        free = [one for one in chosen if one.key not in bound]
        alone = free[: self.dice.randint(0, 1)]
        for one in alone:
            self._erase([one])
        if rest := free[len(alone) :]:
            self._erase(rest)
        for one in [one for one in chosen if one.key in bound][:1]:
            self._erase([one])

    def _erase(self, people: Sequence[Person]) -> None:
        subjects, addresses, keys = [], set[str](), set[str]()
        for person in people:
            email = self.model.live["people"][person.key]["email"]
            if person.happens(0.2):
                subjects.append(f"person:{person.key}")
            else:
                subjects.append(email.upper() if person.happens(0.3) else email)
            addresses.add(email)
            keys.add(person.key)
        house, now = self.house, self.now
        asked = Asked("erasure", "email", "staff-1", subjects)
        request = register(house, self.plan, asked, now=now).request
        identify(house, request.id, "reply_from_address", by="staff-1", now=now)
        digest = look(house, request.id, as_of=now, now=now).digest
        approve(house, self.plan, request.id, digest, by="staff-2", as_of=now, now=now)
        mentions = mentioned(self.model.live, keys, addresses)
        waits = Pending(request.id, frozenset(keys), frozenset(addresses), mentions)
        found = self._answered(waits)
        if found.request.status == "running":
            assert found.request.reason == "held"
            (person,) = people
            person.pending = waits
        else:
            assert found.request.status == "done", found
            assert not keys & self.held
        self.seen["erased"] += len(people)
        self.seen["mentions cut"] += len(mentions)

    def _answered(self, waits: Pending) -> Answer:
        done = answer(self.house, self.plan, waits.name, as_of=self.now, clock=lambda: self.now)
        assert done.done["survivors"] == 0
        self.model.erase(waits.keys, waits.addresses, waits.mentions, held=self.held, now=self.now)
        return done

    def hold(self) -> None:
        """Some holds end, and what waited for them is done; others come."""
        holds = self.house.control.holds
        for person in self.people:
            if person.held and person.happens(0.4):
                holds.release(person.held, by="staff-3", now=self.now)
                person.held = None
                if person.pending:
                    assert self._answered(person.pending).request.status == "done"
                    person.pending = None
                    self.seen["erased after a hold"] += 1
            elif not person.held and self.alive(person) and person.happens(0.01):
                placed = holds.add(
                    SubjectScope({"person": (person.key,)}), keys=self.house.keyring, kind="dispute",
                    reason="legal_claim", reference="case/7", author="staff:4", now=self.now,
                )  # fmt: skip
                person.held, person.held_as = placed.id, person.key
                self.seen["held"] += 1

    # Nights and restores -------------------------------------------------------------------------------------------

    def night(self) -> None:
        with self._told_by_the_server():
            captured = capture(self.house, self.house.catalog.backups["nightly"], now=self.now)
        assert not captured.failed
        self.nights.append((captured.backup, self.now, copied(self.model.live)))
        self.seen["nights"] += 1

    @contextmanager
    def _told_by_the_server(self) -> Iterator[None]:
        """The moment of a snapshot is the server's, whose clock cannot be set back for a story."""
        told = property(lambda _: self.now, lambda _, __: None)
        with ExitStack() as stack:
            for dump in (PostgreSQLDump, MySQLDump):
                stack.enter_context(patch.object(dump, "taken_at", told, create=True))
            yield

    def restore(self, *, tenant: str | None = None, go_on: bool = False) -> None:
        """Any night, of everything or of one tenant, compared row by row; `go_on` uses it from then on."""
        number = max(self.dice.randrange(len(self.nights)) for _ in range(2))
        name, taken, then = self.nights[number]
        wanted = self.model.restored(then, taken, held=self.held, now=self.now, tenant=tenant)
        stack = self.stack if go_on else ExitStack()
        url = stack.enter_context(fresh_database(self.kind))
        try:
            self.seen["mentions cut again"] += self._restore(name, url, tenant).passed.cut
            self._same(url, wanted, f"restored night {number} of {len(self.nights)}, tenant {tenant}")
        finally:
            if not go_on:
                stack.close()
        if go_on:
            self.house.opened.close()
            self.house.opened = Databases(Database(url, name=SYSTEM), tenants=Tenants(table="companies"))
            self.model.live = wanted
            # What was made after that night is of a past that is no more.
            del self.nights[number + 1 :]
        self.seen["restores"] += 1

    def _restore(self, night: str, url: sa.URL, tenant: str | None) -> Restored:
        reach = Reach.of(self.house, self.now)
        opened = opened_backups(reach, "everything" if tenant is None else "tenant", tenant=tenant, at=night)
        plan = plan_of(opened)
        return restore(self.house, plan, opened.backups, targets_in(plan, url), clock=lambda: self.now)

    def compare(self) -> None:
        self._same(self.house.shared.url, self.model.live, "the live database")

    def _same(self, url: sa.URL, wanted: Tables, what: str) -> None:
        wrong = differences(read(url), wanted)
        assert not wrong, (what, self.now.isoformat(), wrong)
        self.seen["rows compared"] += sum(map(len, wanted.values()))


def read(url: sa.URL) -> Tables:
    """Every row of a database but the companies'."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            name: {str(row.id): dict(row._mapping) for row in connection.execute(sa.select(table))}
            for name, table in SQL.items()
            if name != "companies"
        }


def run(world: World, steps: int) -> None:
    """Every step: people live, ask and are held; then perhaps a night, and perhaps a restore."""
    dice = world.dice
    going_on = {dice.randrange(3, max(4, steps)) for _ in range(max(1, steps // 8))}
    for step in range(steps):
        for act in (world.hold, world.live, world.ask):
            world.later()
            act()
        world.compare()
        world.later()
        if step < 1 or dice.random() < 0.5:
            world.night()
            world.later()
        if step in going_on:
            world.restore(go_on=True)
            world.compare()
        elif step and dice.random() < 0.2:
            world.restore(tenant=dice.choice((None, *COMPANIES)))
    world.later()
    world.restore()


@contextmanager
def world(kind: Kind, people: int, seed: int, began: datetime) -> Iterator[World]:
    """A world without anybody in it yet."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        stores = {f"backups_{name}": FolderStore(folder / name, name=name, create=True) for name in ("france", "usa")}
        for store in stores.values():
            store.probe()
        url = stack.enter_context(fresh_database(kind))
        databases = Databases(Database(url, name=SYSTEM), tenants=Tenants(table="companies"))
        control = stack.enter_context(control_database())
        house = House(facts(), control, keyring(), databases, stores, folder, kind)
        stack.callback(lambda: house.opened.close())
        SCHEMA.create_all(sa.create_engine(url, poolclass=sa.NullPool))
        house.run(SQL["companies"].insert().values([{"id": one, "made_at": LONG_AGO} for one in COMPANIES]))
        forget(house.backups)
        persons = [Person(number, random.Random(f"{seed}:{number}")) for number in range(people)]
        nobody: Tables = {name: {} for name in SQL if name != "companies"}
        yield World(house, kind, stack, random.Random(seed), persons, Model(nobody), began)
