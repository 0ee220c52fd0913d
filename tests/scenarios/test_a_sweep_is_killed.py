"""A sweep killed anywhere, its server restarted, PostHog failing: the next one finishes, and the ledger is right."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from genuka_pipelines.retention.errors import SurvivingRows
from genuka_pipelines.retention.sweeping import Sweep
from tests.scenarios.sweeping_evidence import Journal, check_ledger
from tests.scenarios.sweeping_model import Key, Place, compare, contents, judge, tables
from tests.scenarios.sweeping_world import BRIEF, Seeded, World, copied, fill_world, shared_seeding
from tests.servers import embedded_homes
from tests.systems.posthog.stand_in import Fault, PostHog, posthog

LATER = datetime(2030, 11, 22, 12, tzinfo=UTC)
CATEGORIES = ("genuka/browser_data", "genuka/server_sessions", "genuka/session_recordings", "genletter/chat")
RECORDINGS = "genuka/session_recordings"
CAMPAIGN = 100


@pytest.fixture(scope="module")
def seeded() -> Seeded:
    return shared_seeding()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    return Journal(tmp_path / "roots", monkeypatch)


@dataclass
class Sweeping:
    """One world from its first sweep to its last, and what has to be left of it."""

    world: World
    journal: Journal
    categories: tuple[str, ...] = CATEGORIES
    _start: int = field(init=False)

    def __post_init__(self) -> None:
        listed = dict(tables(self.world, self.categories))
        self._judged = {place: judge(table, LATER) for place, table in listed.items()}
        self._before = {place: contents(table) for place, table in listed.items()}
        self._start = self.world.runtime.control.ledger.head().seq

    def child(self) -> int:
        """A sweep in a process of its own."""
        return self.world.sweep_in_a_process(LATER, *self.categories, limits=BRIEF)

    def killed(self, chance: random.Random, longest: float) -> bool:
        """Begin a sweep and kill it, mostly soon after it destroyed something; False where it was quicker."""
        ledger = self.world.runtime.control.ledger
        before, child = ledger.head().seq, self.child()
        while ledger.head().seq == before and chance.random() > 0.01:
            if os.waitpid(child, os.WNOHANG)[0]:
                return False
            time.sleep(0.005)
        time.sleep(chance.random() * longest)
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return True

    def finish(self) -> Sweep:
        """The sweep that comes to its end, and everything that has to be true then."""
        done = self.world.sweep(LATER, *self.categories)
        done.refuse_survivors()
        after = self._now()
        found = compare(self._judged, self._before, after)
        assert found.wrong == ()
        gone = {p[2]: set(self._before[p]) - set(after[p]) for p in after}
        assert sum(map(len, gone.values())) == found.seen["gone"] > 0
        check_ledger(self.world, self.journal, gone, after=self._start)
        return done

    def nothing_wrong_yet(self) -> None:
        """However it was killed: what has to stay is there."""
        now = self._now()
        for place, rows in self._judged.items():
            assert {key for key, row in rows.items() if row.fate == "unchanged"} <= set(now[place]), place

    def left(self) -> int:
        return sum(map(len, self._now().values()))

    def _now(self) -> dict[Place, dict[Key, tuple[object, ...]]]:
        return {place: contents(table) for place, table in tables(self.world, self.categories)}


def test_killed_at_any_point_the_next_sweep_finishes(seeded: Seeded, journal: Journal, rounds: int, seed: int) -> None:
    """As many kills as rounds, in the suite a third of them."""
    chance, kills, lives = random.Random(seed), 0, 0
    wanted = rounds if rounds >= CAMPAIGN else max(3, rounds // 3)
    while kills < wanted:
        with copied(seeded) as world:
            sweeping, few = Sweeping(world, journal), 400
            while kills < wanted and sweeping.left() > few:
                kills += sweeping.killed(chance, 0.5)
                sweeping.nothing_wrong_yet()
            sweeping.finish()
            lives += 1
    print(f"killed {kills} times in {lives} lives of the demo")
    assert kills >= wanted


def test_killed_while_posthog_fails(seeded: Seeded, journal: Journal, tmp_path: Path, rounds: int, seed: int) -> None:
    """429, 500, cut connections; no recording is left there whose row is gone, whenever it was killed."""
    chance = random.Random(seed)
    for _ in range(max(1, rounds // 50)):
        with posthog() as there, copied(seeded, **there.environment(tmp_path)) as world:
            ids = sorted(world.ids("select id from session_recordings"))
            there.recordings.update(ids)
            sweeping, kills = Sweeping(world, journal, (RECORDINGS,)), 0
            for _ in range(max(2, rounds // 10)):
                _fail(there, ids, chance)
                kills += sweeping.killed(chance, 0.4)
                assert world.ids("select id from session_recordings") >= there.recordings
            there.faults.clear()
            sweeping.finish()
            assert there.recordings == set()
            assert world.ids("select id from session_recordings") == set()
            print(f"killed {kills} times; PostHog answered {sorted({str(one.status) for one in there.asked})}")


def _fail(there: PostHog, ids: list[str], chance: random.Random) -> None:
    faults = [
        Fault(429, {"Retry-After": "0"}), Fault(500), Fault(503, {"Retry-After": "0"}), Fault(drop="before"),
        Fault(drop="after"),
    ]  # fmt: skip
    for one in chance.sample(ids, 6):
        there.faults[one] = [chance.choice(faults)]


@pytest.mark.parametrize(("fault", "unsure"), [(Fault(403), False), (Fault(500, {"Retry-After": "0.01"}), True)])
def test_a_recording_that_cannot_be_deleted_is_loud(
    seeded: Seeded, journal: Journal, tmp_path: Path, fault: Fault, unsure: bool
) -> None:
    """The rows of the others go; its own stays, is said, and goes once PostHog is well.

    A refusal is certain, so its outcome says what went; after failures it may have gone, so the intention is open.
    """
    with posthog() as there, copied(seeded, **there.environment(tmp_path)) as world:
        ids = sorted(world.ids("select id from session_recordings"))
        there.recordings.update(ids)
        there.lasting[ids[3]] = fault
        sweeping = Sweeping(world, journal, (RECORDINGS,))
        swept = world.sweep(LATER, RECORDINGS)
        with pytest.raises(SurvivingRows):
            swept.refuse_survivors()
        said = [line.unknown for line in swept.lines if line.unknown]
        assert said
        assert not any(one in text for one in ids for text in said), "no id is told"
        assert world.ids("select id from session_recordings") == there.recordings
        assert ids[3] in there.recordings
        assert len(world.runtime.control.ledger.open_intents()) == unsure
        there.lasting.clear()
        sweeping.finish()
        assert there.recordings == set()


def test_the_server_dies_in_the_middle(journal: Journal, seed: int, rounds: int) -> None:
    """The whole PostgreSQL, with the ledger in it, is killed and started again while a sweep runs."""
    chance = random.Random(seed)
    with embedded_homes() as homes, ExitStack() as stack:
        home = homes.new()
        homes.up(home)
        world = World({"GENUKA_HOME": str(home)}, home)
        stack.callback(world.close)
        fill_world(world)
        sweeping = Sweeping(world, journal)
        for _ in range(1 if rounds < CAMPAIGN else 8):
            before, child = world.runtime.control.ledger.head().seq, sweeping.child()
            while world.runtime.control.ledger.head().seq == before:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.4)
            (pid,) = homes.folder.rglob("postmaster.pid")
            postmaster = psutil.Process(int(pid.read_text().split("\n", 1)[0]))
            workers = postmaster.children(recursive=True)
            postmaster.kill()
            psutil.wait_procs([postmaster, *workers], timeout=30)
            homes.up(home)
            os.waitpid(child, 0)
            world.close()
            world.runtime.control.ledger.head()
            sweeping.nothing_wrong_yet()
        sweeping.finish()
