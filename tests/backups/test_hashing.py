"""Blocks hashed here and in processes of their own: the same hashes, in order, whatever becomes of a process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]
import pytest

from genuka_pipelines.backups.digest import RowHasher
from genuka_pipelines.backups.hashing import Hashed, Hashers, hashed

KEY = bytes(range(32))
HASHER = RowHasher(KEY)


def blocks(seed: int, count: int = 40) -> list[bytes]:
    """Blocks of lines, a row of nothing and a prefix of nothing among them."""
    dice = random.Random(seed)
    prefixes = [b"", rb"\N", b"tenant", b"ten\\\\ant", "société".encode()]
    return [
        b"".join(
            b"%s\t%s\n" % (dice.choice(prefixes), dice.randbytes(dice.randrange(40)).hex().encode())
            for _ in range(dice.randrange(1, 60))
        )
        for _ in range(count)
    ]


def plain(block: bytes) -> dict[bytes, tuple[str, str]]:
    """Of a block, by prefix: the hashes of its lines and their text, both in order."""
    found: dict[bytes, tuple[str, str]] = {}
    for line in block.split(b"\n")[:-1]:
        prefix, _, row = line.partition(b"\t")
        hashes, text = found.get(prefix, ("", ""))
        found[prefix] = (hashes + HASHER.hashes([line]).hex(), text + row.decode("latin-1") + "\n")
    return found


def told(one: Hashed) -> dict[bytes, tuple[str, str]]:
    """The same of a grouped answer."""
    assert one.groups is not None
    found, at = {}, 0
    for prefix, text, rows in one.groups:
        found[prefix] = (one.hashes[at : at + 32 * rows].hex(), text.decode("latin-1"))
        at += 32 * rows
    assert at == len(one.hashes)
    return found


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("processes", [0, 1, 2])
def test_wherever_it_is_done_the_hashes_are_the_same_and_in_order(processes: int, grouped: bool, seed: int) -> None:
    given = blocks(seed)
    with Hashers(KEY, processes, alone=2000) as hashers:
        found = list(hashers.run(iter(given), grouped=grouped))
    assert [one.block for one in found] == given
    assert found == [hashed(block, HASHER, grouped=grouped) for block in given]
    for one in found:
        if grouped:
            assert told(one) == plain(one.block)
        else:
            assert one.hashes == HASHER.hashes(one.block.split(b"\n")[:-1])


def _children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [one for one in found if "genuka_pipelines.backups.hashing" in one.cmdline()]


def test_a_process_that_is_killed_costs_nothing_but_time(seed: int) -> None:
    given = blocks(seed, 200)

    def killing() -> Iterator[bytes]:
        for number, block in enumerate(given):
            if number in (50, 120):
                _children()[0].send_signal(signal.SIGKILL)
            yield block

    with Hashers(KEY, 2, alone=0) as hashers:
        assert list(hashers.run(killing(), grouped=True)) == [hashed(one, HASHER, grouped=True) for one in given]
    assert not _children()


def test_who_stops_in_the_middle_leaves_no_process(seed: int) -> None:
    with Hashers(KEY, 2, alone=0) as hashers:
        run = hashers.run(iter(blocks(seed)), grouped=False)
        next(run)
        assert _children()
    assert not _children()


def test_where_no_process_can_be_started_it_is_done_here(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = blocks(seed)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Hashers(KEY, 2, alone=0) as hashers:
        assert [one.block for one in hashers.run(iter(given), grouped=False)] == given


def test_a_process_ends_with_the_one_that_began_it() -> None:
    script = (
        "import os, time\n"
        "from genuka_pipelines.backups.hashing import Hashers\n"
        "hashers = Hashers(bytes(32), 1, alone=0)\n"
        "list(hashers.run(iter([b'a\\tb\\n']), grouped=False))\n"
        "print(hashers._started[0].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
        child.wait(10)
    assert not child.is_running()
