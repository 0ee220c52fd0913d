"""A process of backups that is killed anywhere, for good and without a word: the next one finishes its work.

`kill -9` at random moments of a capture, of bringing to the second region, of a repair, of an expiry and of a
restore; what is on the disks then is looked at as a thief would, and as somebody who needs a restore.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from genuka_pipelines.backups.calendar import LOCKED, Epoch
from genuka_pipelines.backups.capturing import capture
from genuka_pipelines.backups.drills.drilling import drill
from genuka_pipelines.backups.drills.sampling import Chosen
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.nightly import bring, mend, prepare_regions
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.regions.expiring import absences, expire
from genuka_pipelines.backups.restoring import Reach, opened_backups, plan_of, restore, targets_in
from genuka_pipelines.control import Restored, open_control
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.store import Stored
from genuka_pipelines.systems.database import Database
from tests.backups import taken
from tests.backups.made import Clock, Maker, damage, folder, owner_id, region
from tests.backups.stories import Dice
from tests.backups.taken import ALPHA, SYSTEM, TENANTS, BackedHouse, backed_house, rows_in
from tests.backups.world import Ids, Story, erase, rows_of, schemas, story
from tests.conftest import ROUNDS, SEED
from tests.rows.destroyer import control_database
from tests.servers import fresh_database

LIVES = range(SEED, SEED + max(1, ROUNDS // 12))
PLAIN = (b"line", b"example.org", b"Zo\xc3\xa9", b"O'Neil", "日本".encode(), b"customers", b"shopper")
"""What the rows and the names of their tables would show of themselves on a disk."""
OURS = re.compile(
    r"state\.sqlite(-journal|-wal|-shm)?|erasures\.begun|[0-9a-f]{32}\.\d{8}T\d{6}Z\.\d+\.index(\.part)?", re.ASCII
)
Act = Callable[[BackedHouse], object]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def house() -> Iterator[BackedHouse]:
    with backed_house("postgresql") as found:
        yield found


@dataclass
class Life:
    """One house whose processes die; how long each kind of work takes is learned from the runs that live."""

    story: Story
    kills: Counter[str] = field(default_factory=Counter)
    took: dict[str, float] = field(default_factory=dict)

    @property
    def house(self) -> BackedHouse:
        return self.story.house

    @property
    def dice(self) -> Dice:
        return self.story.dice

    def killed(self, what: str, act: Act) -> None:
        """Do it in a process of its own, and kill that somewhere in between."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with _opened(self.house) as fresh:
                    act(fresh)
                code = 0
            finally:
                os._exit(code)
        time.sleep(self.dice.random() * self.took.get(what, 0.5))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        self.kills[what] += os.WIFSIGNALED(status)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"{what} failed by itself"
        self._leases_end()

    def lives(self, what: str, act: Callable[[], object]) -> None:
        """The same work, undisturbed."""
        began = time.monotonic()
        act()
        self.took[what] = time.monotonic() - began

    def _leases_end(self) -> None:
        """Two minutes pass, in which the dead renew nothing."""
        engine = self.house.control._database.engine
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE leases SET expires_at = now() - interval '1 second'"))

    def nothing_is_left_lying(self, *, over: bool) -> None:
        """No row on a disk, no object of an epoch without its lock; and when it is `over`, nothing of the dead ones."""
        for path in (path for path in self.house.folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            name = path.name.encode() + (b"" if path.name.startswith("state.sqlite") else data)
            assert not [one for one in PLAIN if one in name], path.name
        mine = [path.name for path in self.house.backups.iterdir()] if self.house.backups.exists() else []
        assert [name for name in mine if not OURS.fullmatch(name)] == []
        for store in self.house.regions.values():
            for one in store.list(layout.EPOCHS, versions=True):
                assert one.marker or store.retention(one.key, version=one.version), "an object without its lock"
        assert self.house.control.ledger.verify().intact
        if over:
            assert self.house.control.ledger.open_intents("backups/") == ()
            assert not [name for name in mine if name.endswith((".part", "-journal"))]


class _opened:  # noqa: N801 - used as a function
    """The house as another process opens it: the parent's connections are not ours."""

    def __init__(self, house: BackedHouse) -> None:
        self._house, self._stack = house, ExitStack()

    def __enter__(self) -> BackedHouse:
        house, enter = self._house, self._stack.enter_context
        url = house.control._database.engine.url.render_as_string(hide_password=False)
        control = enter(open_control(url))
        databases = Databases(
            enter(Database(house.shared.url, name=SYSTEM)), tenants=TENANTS, url_of=house.opened._url_of
        )
        stores = {name: FolderStore(house.folder / name, name=name) for name in house.stores}
        return replace(house, control=control, opened=databases, stores=stores)

    def __exit__(self, *error: object) -> None:
        self._stack.close()


@pytest.mark.parametrize("seed", LIVES)
def test_killed_anywhere_the_next_run_finishes(seed: int, house: BackedHouse) -> None:
    with ExitStack() as stack:
        control = stack.enter_context(control_database())
        life = Life(stack.enter_context(story(seed, house, control=control, own=1)))
        turns = [_captures, _brings, _repairs, _restores, _drills, _expires]
        for turn in turns:
            turn(life)
        life.nothing_is_left_lying(over=True)
        print(f"killed {dict(life.kills)}")


def _captures(life: Life) -> None:
    """Killed three times, the night that lives captures everyone; whatever a dead one left comes back as it was."""
    story = life.story
    life.lives("capture", story.capture)
    for _ in range(3):
        story.change()
        with story.night() as at:
            life.killed("capture", lambda fresh, at=at: capture(fresh, story.plan, now=at))  # type: ignore[misc]
        life.nothing_is_left_lying(over=False)
    captured = story.capture()
    assert captured.failed == {}
    assert {state.backup is not None for state in captured.night.owners.values()} == {True}
    story.prove_each()
    life.nothing_is_left_lying(over=True)


def _brings(life: Life) -> None:
    """A second region that is half filled holds no manifest without what it names."""
    house, plan = life.house, life.story.plan

    def work(fresh: BackedHouse) -> None:
        prepare_regions(fresh, plan, now=now())
        bring(fresh, plan, "usa", clock=now)

    life.took["bring"] = life.took["capture"] / 2
    for _ in range(2):
        life.killed("bring", work)
        life.story.closed()
        life.nothing_is_left_lying(over=False)
    life.lives("bring", lambda: work(house))
    assert bring(house, plan, "usa", clock=now).whole


def _repairs(life: Life) -> None:
    """Damaged in one region; a repair that dies makes nothing worse."""
    house, dice = life.house, life.dice
    life.took["repair"] = life.took["bring"]
    name = dice.choice(["backups_france", "backups_usa"])
    objects = [one for one in house.stores[name].list(layout.EPOCHS) if "/r/" not in one.key]
    for stored in dice.sample(objects, 3):
        damage(house.folder / name, stored, at=dice.randrange(10**6), flip=1 << dice.randrange(8))
    life.killed("repair", lambda fresh: mend(fresh, life.story.plan, now=now()))
    life.nothing_is_left_lying(over=False)
    assert [one.left for one in mend(house, life.story.plan, now=now())] == [(), ()]
    life.story.closed()


def _restores(life: Life) -> None:
    """Until its receipt is written nothing of a restore has a name that anybody would use."""
    house, dice = life.house, life.dice
    mine = rows_of(house, ALPHA)
    gone = erase(house, dice, mine)
    prepare_regions(house, life.story.plan, now=now())
    life.lives("restore", lambda: _restored(house, mine, gone))
    for _ in range(3):
        with fresh_database("postgresql") as url:
            before = house.control.ledger.head().seq
            life.killed("restore", lambda fresh, url=url: _restore(fresh, url))  # type: ignore[misc]
            _settled(url)
            passed = [one for one in house.control.ledger.entries(before) if isinstance(one.body, Restored)]
            if _tables(url):
                assert len(passed) == 1, "it is there, so it went through the gate"
                _is_right(url, mine, gone)
                continue
            assert schemas(url) <= {"public", "genuka_restoring"}
            assert _comment(url) in (None, "Genuka: a restore that is not published")
            _restore(house, url)
            _is_right(url, mine, gone)
        life.nothing_is_left_lying(over=False)


def _drills(life: Life) -> None:
    """A drill that dies leaves a copy of people behind: the next night's takes it away."""
    house = life.house
    chosen = [Chosen(owner_of(ALPHA, house.keyring).id, "france")]

    def work(fresh: BackedHouse) -> None:
        (found,) = drill(fresh, chosen, fresh.shared.url, objective=timedelta(hours=1), clock=now)
        assert found.passed

    life.took["drill"] = life.took["restore"]
    life.killed("drill", work)
    tomorrow = now() + timedelta(hours=13)
    found = drill(house, [], house.shared.url, objective=timedelta(hours=1), clock=lambda: tomorrow)
    assert found == ()
    assert not [name for name in _databases(house) if name.startswith("genuka_drill_")]


def _databases(house: BackedHouse) -> list[str]:
    with sa.create_engine(house.shared.url, poolclass=sa.NullPool).connect() as connection:
        return [str(name) for (name,) in connection.exec_driver_sql("SELECT datname FROM pg_database")]


def _restore(house: BackedHouse, url: sa.URL) -> None:
    opened = opened_backups(Reach.of(house, now()), "tenant", tenant=ALPHA)
    plan = plan_of(opened)
    restore(house, plan, opened.backups, targets_in(plan, url), clock=now)


def _restored(house: BackedHouse, mine: Ids, gone: Ids) -> None:
    with fresh_database("postgresql") as url:
        _restore(house, url)
        _is_right(url, mine, gone)


def _is_right(url: sa.URL, mine: Ids, gone: Ids) -> None:
    assert schemas(url) == {"public"}
    assert rows_in(url, taken.CUSTOMERS, "id") == mine["customers"] - gone["customers"]
    assert rows_in(url, taken.ORDERS, "id") == mine["orders"] - gone["orders"]


def _settled(url: sa.URL) -> None:
    """The server has noticed that nobody is there any more."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(500):
        with engine.connect() as connection:
            if not connection.exec_driver_sql(others).scalar():
                return
        time.sleep(0.02)
    raise AssertionError("a killed restore's connections stay")


def _tables(url: sa.URL) -> list[str]:
    found: list[str] = sa.inspect(sa.create_engine(url, poolclass=sa.NullPool)).get_table_names(schema="public")
    return found


def _comment(url: sa.URL) -> str | None:
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        query = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'genuka_restoring'"
        found = connection.exec_driver_sql(query).scalar()
        return None if found is None else str(found)


def _expires(life: Life) -> None:
    """An epoch that is over goes, in as many runs as it takes; what lives is not touched."""
    house, dice = life.house, life.dice
    over = Epoch.at(now() - LOCKED - timedelta(days=dice.choice([1, 28])))
    clock = Clock(over.begins + timedelta(hours=3))
    alive = {name: _versions(house, name) for name in house.stores}
    for name in house.stores:
        old = folder(house.folder / name, name, clock)
        Maker(old, seed=dice.seed_of_its_own()).nights(over.begins + timedelta(hours=1), 3, [owner_id(1), owner_id(2)])
    life.took["expiry"] = 0.25
    for _ in range(2):
        life.killed("expiry", _expired)
        for name in house.stores:
            assert [one for one in _versions(house, name) if over.name not in one.key and "v1/k/" not in one.key] == [
                one for one in alive[name] if "v1/k/" not in one.key
            ]
    life.lives("expiry", lambda: _expired(house))
    for name in house.stores:
        assert not [one for one in _versions(house, name) if over.name in one.key]
    assert absences(house.control.ledger)[over] == {"france", "usa"}


def _expired(house: BackedHouse) -> None:
    for name, store in house.regions.items():
        expire(region(name, store), house.control.ledger, now=now())


def _versions(house: BackedHouse, name: str) -> list[Stored]:
    return list(house.stores[name].list(versions=True))
