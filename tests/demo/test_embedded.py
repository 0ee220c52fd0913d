"""`genuka up`, `down` and what doctor sees, on a good day."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, create_engine, make_url, text

from genuka_pipelines.demo.embedded import (
    StackUnavailable,
    UnusableHome,
    create_tenant_database,
    down,
    stack_status,
)
from genuka_pipelines.settings import STORES, load_settings, read_stack
from tests.servers import Homes, as_ordinary_user, embedded_homes


@pytest.fixture(scope="module")
def homes() -> Iterator[Homes]:
    with embedded_homes() as made:
        yield made


@pytest.fixture(scope="module")
def home(homes: Homes) -> Path:
    made = homes.new()
    homes.up(made)
    return made


def ask(url: URL | str, question: str) -> object:
    engine = create_engine(url)
    with engine.connect() as connection:
        answer = connection.execute(text(question)).scalar()
    engine.dispose()
    return answer


def server_pid(home: Path) -> int:
    server = read_stack(home)
    assert server is not None
    return int((Path(str(server.server)) / "data/postmaster.pid").read_text().split()[0])


def test_up_brings_what_settings_then_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "nowhere.invalid",
        "PGUSER": "x",
        "PGSSLMODE": "require",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings({}, home=home)
    for name in ("genuka", "genletter", "control"):
        assert ask(settings.url(name), "SELECT current_database()") == name
        assert settings.url(name).password is None
    assert str(ask(settings.url("genuka"), "SHOW server_version")).startswith("18.")
    assert (
        ask(settings.url("genuka"), "SELECT upper('é') || (SELECT min(x) FROM (VALUES ('b'), ('Z')) AS t(x))") == "ÉZ"
    )
    for name in STORES:
        assert settings.store(name).url == (home / "stores" / name).as_uri()
        assert (home / "stores" / name).is_dir()
    assert settings.embedded == {"genuka", "genletter", "control", *STORES}
    assert stat.S_IMODE((home / "stack.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.keys.stat().st_mode) == 0o700


def test_only_synthetic_databases_commit_before_the_disk_has_it(home: Path) -> None:
    settings = load_settings({}, home=home)
    assert ask(settings.url("control"), "SHOW synchronous_commit") == "on"
    assert ask(settings.url("genuka"), "SHOW synchronous_commit") == "off"
    assert ask(settings.url("genletter"), "SHOW synchronous_commit") == "off"
    for setting in ("fsync", "full_page_writes"):
        assert ask(settings.url("control"), f"SHOW {setting}") == "on"


def test_up_again_changes_nothing(homes: Homes, home: Path) -> None:
    before, pid = (home / "stack.json").stat(), server_pid(home)
    again = homes.up(home)
    after = (home / "stack.json").stat()
    assert not again.started
    assert (server_pid(home), after.st_ino, after.st_mtime_ns) == (pid, before.st_ino, before.st_mtime_ns)


def test_nobody_else_gets_in(home: Path) -> None:
    url = load_settings({}, home=home).url("control")
    rules = ask(url, "SELECT string_agg(type || ' ' || auth_method, ',') FROM pg_hba_file_rules")
    assert rules == "local peer"
    assert ask(url, "SHOW listen_addresses") == ""
    socket_folder = Path(str(url.query["host"]))
    assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        where = f"host={socket_folder} user=postgres dbname=control"
        with pytest.raises(AssertionError, match="Permission denied"):
            as_ordinary_user(lambda: psycopg.connect(where).close())


def test_the_log_holds_no_value(home: Path) -> None:
    url = load_settings({}, home=home).url("genuka")
    with psycopg.connect(host=str(url.query["host"]), user="postgres", dbname="genuka", autocommit=True) as connection:
        connection.execute("CREATE TABLE people (email text PRIMARY KEY)")
        for statement in (
            "INSERT INTO people VALUES ('ngo@example.cm'), ('ngo@example.cm')",
            "SELECT 'ngo@example.cm'::int",
        ):
            with pytest.raises(psycopg.Error, match="ngo@example"):
                connection.execute(statement)
        connection.execute("DROP TABLE people")
    log = (Path(str(url.query["host"])) / "log").read_text()
    assert "ready to accept connections" in log
    assert "ngo@example" not in log


def test_a_tenant_gets_a_database_of_its_own(homes: Homes, home: Path) -> None:
    url = create_tenant_database(home, "acme-1")
    assert create_tenant_database(home, "ACME_1") == url
    settings = load_settings({}, home=home)
    assert settings.tenant_url("acme-1") == make_url(url)
    assert ask(url, "SHOW synchronous_commit") == "off"
    assert homes.up(home).file.tenants == {"ACME_1": url}
    for ref in ("", "--", "x" * 51):
        with pytest.raises(StackUnavailable, match="use 1 to 50 letters"):
            create_tenant_database(home, ref)
    with pytest.raises(StackUnavailable, match="has no embedded databases: run `genuka up`"):
        create_tenant_database(homes.folder / "never", "acme")
    assert not (homes.folder / "never").exists()


def test_up_brings_only_what_is_wanted(homes: Homes) -> None:
    home = homes.new()
    stack = homes.up(home, wanted={"france", "usa"})
    assert (stack.file.server, stack.file.databases, set(stack.file.stores)) == (None, {}, {"france", "usa"})
    assert [part.name for part in stack_status(home)] == ["stack", "store france", "store usa"]
    with pytest.raises(StackUnavailable, match="there is no embedded germany"):
        homes.up(home, wanted={"germany"})


def test_two_homes_work_side_by_side_and_each_goes_down_alone(homes: Homes, home: Path) -> None:
    other = homes.new()
    homes.up(other)
    assert server_pid(other) != server_pid(home)
    assert {part.state for part in stack_status(other)} == {"up"}
    assert down(other).stopped
    assert not down(other).stopped
    states = {part.name: part.state for part in stack_status(other)}
    assert (states["server"], states["database control"], states["store usa"]) == ("down", "down", "up")
    assert ask(load_settings({}, home=home).url("control"), "SELECT 1") == 1
    assert homes.up(other).started
    (other / "stores/usa").rmdir()
    ask_dropped = load_settings({}, home=other).url("genuka")
    with psycopg.connect(
        host=str(ask_dropped.query["host"]), user="postgres", dbname="control", autocommit=True
    ) as connection:
        connection.execute("DROP DATABASE genuka")
    states = {part.name: part.state for part in stack_status(other)}
    assert (states["server"], states["database genuka"], states["store usa"]) == ("up", "down", "down")


def test_wiping_removes_what_up_made_and_nothing_else(homes: Homes) -> None:
    home = homes.new()
    stack = homes.up(home)
    (home / "keys/signing").write_text("k")
    (home / "stores/france/locked").write_text("x")
    (home / "stores/france").chmod(0o500)
    (home / "mine.txt").write_text("mine")
    # what was sealed elsewhere needs its keys for ever
    done = down(home, wipe=True, wanted={"genuka", "control"})
    assert done.stopped
    assert done.kept == (home / "keys",)
    assert not Path(str(stack.file.server)).exists()
    assert {path.name for path in home.iterdir()} == {".gitignore", "stack.lock", "keys", "mine.txt"}
    assert down(home, wipe=True).removed == ()
    homes.up(home)
    (home / "staging/genuka").mkdir(parents=True)
    (home / "staging/genuka/part.parquet").write_text("what was made of wiped data")
    (home / "backups").mkdir()
    assert {home / "keys", home / "staging", home / "backups"} <= set(down(home, wipe=True).removed)
    assert {path.name for path in home.iterdir()} == {".gitignore", "stack.lock", "mine.txt"}


def test_a_folder_of_somebody_else_is_never_taken(homes: Homes) -> None:
    home = homes.folder / "theirs"
    (home / "stores/media").mkdir(parents=True)
    with pytest.raises(UnusableHome, match="was not made by `genuka up`"):
        homes.up(home)
    down(home, wipe=True)
    assert (home / "stores/media").is_dir()


def test_where_up_never_ran_there_is_nothing_to_take_down(tmp_path: Path) -> None:
    assert stack_status(tmp_path / "never") == ()
    assert not down(tmp_path / "never", wipe=True).stopped
    assert list(tmp_path.iterdir()) == []
