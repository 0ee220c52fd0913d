"""What every store must do when several use it at once, or when one of them is killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from contextlib import suppress

from genuka_pipelines.stores.errors import AlreadyThere, Occupied, StoreRefused
from genuka_pipelines.stores.purge import purge
from genuka_pipelines.stores.store import Store, Stored
from tests.stores.backends import Backend
from tests.stores.helpers import at_once, sha256, soon, together

fork = multiprocessing.get_context("fork")


class Races:
    """Part of `Conformance`."""

    def test_sixteen_threads_with_different_bytes(self, store: Store, key: str, races: int) -> None:
        for race in range(races):
            here = f"{key}/{race}"
            barrier = threading.Barrier(16)
            results = at_once(16, lambda n: store.put(here, together(b"%d" % n, barrier)))  # noqa: B023
            winners = [r for r in results if isinstance(r, Stored)]
            assert len(winners) + sum(isinstance(r, Occupied) for r in results) == 16
            if store.capabilities().conditional_put == "atomic":
                assert len(winners) == 1
            assert len(list(store.list(here, versions=True))) == len(winners)
            assert sha256(store.get(here)) in {w.sha256 for w in winners}

    def test_sixteen_threads_with_the_same_bytes(self, store: Store, key: str) -> None:
        barrier = threading.Barrier(16)
        results = at_once(16, lambda _: store.put(key, together(b"same", barrier), retain_until=soon()))
        winners = [r for r in results if isinstance(r, Stored)]
        losers = [r for r in results if isinstance(r, AlreadyThere)]
        assert len(winners) + len(losers) == 16
        assert {loser.existing.version for loser in losers} <= {w.version for w in winners}
        if store.capabilities().conditional_put == "atomic":
            assert len(winners) == 1

    def test_several_processes(self, backend: Backend, key: str, races: int) -> None:
        barrier = fork.Barrier(8)

        def put(number: int) -> None:
            store, won = backend.open(), 0
            for race in range(races):
                with suppress(Occupied):
                    store.put(f"{key}/{race}", together(b"%d" % number, barrier))
                    won += 1
            os._exit(won)

        racers = [fork.Process(target=put, args=(n,)) for n in range(8)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(60)
        won = sum(racer.exitcode or 0 for racer in racers)
        assert min(racer.exitcode or 0 for racer in racers) >= 0
        store = backend.open()
        if store.capabilities().conditional_put == "atomic":
            assert won == races
        assert len(list(store.list(key, versions=True))) == won

    def test_writers_of_all_kinds_leave_whole_objects(self, store: Store, key: str) -> None:
        """Replacing, hiding and destroying at once: every version listed afterwards is readable."""

        def act(number: int) -> object:
            if number % 4 == 3:
                return store.delete(key)
            if number % 4 == 2:
                seen = [s for s in store.list(key, versions=True) if not s.marker]
                return store.delete(key, version=seen[0].version) if seen else None
            with suppress(StoreRefused):  # removed by another before it could be read back
                store.put(key, bytes([number]) * 5000, if_absent=False)
            return None

        at_once(16, act)
        for version in store.list(key, versions=True):
            if not version.marker:
                assert len(set(store.get(key, version=version.version))) == 1
        store.put(key, b"afterwards", if_absent=False)
        assert store.get(key) == b"afterwards"

    def test_a_killed_writer_leaves_old_or_new(self, backend: Backend, key: str, kills: int, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(kills):
            reading, writing = os.pipe()
            writer = fork.Process(target=_write_for_ever, args=(backend, key, writing))
            writer.start()
            os.close(writing)
            with os.fdopen(reading, "rb") as done:
                done.read(1)  # it has begun
                time.sleep(chance.uniform(0, 0.02))
                os.kill(writer.pid or 0, signal.SIGKILL)
                writer.join()
                finished = len(done.read()) + 1
            store = backend.open()
            for number in range(max(0, finished - 3), finished):
                assert int(store.get(f"{key}/{number % 3}")[:8]) >= number
            for version in store.list(f"{key}/", versions=True):
                assert len(store.get(version.key, version=version.version)) == 200_000
            for number in range(3):
                purge(store, f"{key}/{number}")
            assert list(store.list(f"{key}/", versions=True)) == []


def _write_for_ever(backend: Backend, key: str, done: int) -> None:
    store = backend.open()
    number = 0
    while True:
        data = b"%08d" % number + bytes(199_992)
        store.put(f"{key}/{number % 3}", data, if_absent=False)
        os.write(done, b".")
        number += 1
