"""A disk that is really full: an export on a small file system of its own, stopped at any step, then given room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from genuka_pipelines.exports import verify
from genuka_pipelines.exports.errors import NoRoom
from tests.conftest import SEED
from tests.exports.test_archive import forget
from tests.exports.test_kills import scratches
from tests.exports.world import ALPHA, OPENER, ExportHouse, emptied, fill

PAGE = 4096


@pytest.fixture
def resized(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A file system of so many pages, made or given another size; skips where nobody lets us mount one."""
    mounted: list[Path] = []

    def to(pages: int) -> Path:
        options = [*(["remount"] if mounted else []), f"size={pages * PAGE}"]
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(tmp_path)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("no file system can be mounted here: it takes root")
        mounted.append(tmp_path)
        return tmp_path

    yield to
    if mounted:
        subprocess.run(["umount", str(tmp_path)], check=True)


def used(folder: Path) -> int:
    """Its pages that are taken."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // PAGE


@pytest.mark.parametrize("where", ["work", "directory"])
def test_nothing_is_delivered_and_the_same_command_goes_on_when_there_is_room(
    postgres: ExportHouse, resized: Callable[[int], Path], where: str
) -> None:
    emptied(postgres)
    fill(postgres, ALPHA, Random(SEED), customers=8)
    folder, taken, steps = resized(100_000), [0], list[str]()
    given: dict[str, Any] = {where: folder}

    def told(step: str, *_: int) -> None:
        steps.append(step)
        taken.append(used(folder))

    whole = postgres.export(ALPHA, "room", progress=told, **given)
    needed = max(*taken, used(folder))
    forget(postgres, whole.delivery)
    for path in folder.glob("*.age"):
        path.unlink()
    stopped = set()
    for part in (1, 4, 7) if where == "work" else (4,):
        resized(max(1, needed * part // 8))
        steps.clear()
        with pytest.raises(NoRoom, match=r"^the disk of .* full: free some room and run the same again; nothing was"):
            postgres.export(ALPHA, "room", progress=told, **given)
        stopped.add(steps[-1] if steps else "begin")
        assert not list(postgres.store("exports").list("tenants/"))
        assert not list(folder.glob("*.age"))
        assert scratches(postgres) == set()
    assert len(stopped) >= (2 if where == "work" else 1), stopped
    resized(2 * needed)
    again = postgres.export(ALPHA, "room", **given)
    assert (again.plain, again.rows, again.media) == (whole.plain, whole.rows, whole.media)
    assert [path.name for path in folder.iterdir() if not path.is_dir()] == ([again.copy.name] if again.copy else [])
    forget(postgres, again.delivery)


def test_an_archive_that_is_opened_where_there_is_no_room_is_not_called_damaged(
    postgres: ExportHouse, resized: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    emptied(postgres)
    fill(postgres, ALPHA, Random(SEED), customers=8)
    sealed = tmp_path_factory.mktemp("received") / "archive.tar.age"
    sealed.write_bytes(postgres.store("exports").get(postgres.export(ALPHA, "received").key))
    work = resized(10)
    with pytest.raises(NoRoom):
        verify(sealed, OPENER, work)
    resized(100_000)
    assert verify(sealed, OPENER, work).rows
    assert not list(work.iterdir())
