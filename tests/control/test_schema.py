from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect

from genuka_pipelines.control import (
    Control,
    ControlAddressWrong,
    ControlNotReady,
    ControlRefused,
    ControlTooNew,
    ControlUnreachable,
    ForeignDatabase,
    Lifecycle,
    open_control,
    upgrade,
)
from genuka_pipelines.control.database import connect
from genuka_pipelines.control.schema import HEAD, MIGRATIONS, VERSION_TABLE
from genuka_pipelines.control.tables import metadata
from tests.control.servers import Server, database_of
from tests.control.workers import finish, go, prepare, start


def test_upgrading_twice_does_nothing_the_second_time(server: Server) -> None:
    database = connect(server.empty())
    assert upgrade(database.engine) is True
    assert upgrade(database.engine) is False
    open_control(database.engine.url.render_as_string(hide_password=False)).close()
    database.engine.dispose()


def test_processes_that_start_at_once_all_find_it_ready(server: Server) -> None:
    url = server.empty()
    workers = [start(prepare, url) for _ in range(3)]
    go(*workers)
    finish(*workers)
    with open_control(url) as control:
        assert control.ledger.verify().intact


def test_threads_that_start_at_once_do_too(server: Server) -> None:
    database = connect(server.empty())
    did: list[bool] = []
    threads = [threading.Thread(target=lambda: did.append(upgrade(database.engine))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(did) == [False, False, False, True]
    database.engine.dispose()


def test_a_kill_at_any_statement_is_finished_by_the_next_start(server: Server) -> None:
    url = server.empty()
    for allowed in range(100):
        database = connect(url)
        left = [allowed]

        @event.listens_for(database.engine, "before_cursor_execute")
        def _kill(_connection: Any, _cursor: Any, statement: str, *_: Any, left: list[int] = left) -> None:
            if statement.split()[0] in ("CREATE", "INSERT", "DROP", "UPDATE"):
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt

        try:
            upgrade(database.engine)
        except KeyboardInterrupt:
            continue
        finally:
            database.engine.dispose()
        break
    assert allowed >= 10 or server.dialect == "mysql"
    with open_control(url) as control:
        assert control.ledger.verify().intact
        assert "entries_unguarded" not in control.weaknesses()


def test_the_tables_are_what_the_migrations_make(url: str) -> None:
    database = connect(url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    database.engine.dispose()


def test_the_newest_step_is_the_one_the_program_names() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_current_head() == HEAD
    assert (MIGRATIONS / "script.py.mako").is_file()
    named = {path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py")}
    assert named == {script.revision for script in scripts.walk_revisions()}


def test_a_database_of_a_newer_program_is_refused(server: Server, own_url: str) -> None:
    server.run(database_of(own_url), f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    database = connect(own_url)
    with pytest.raises(ControlTooNew, match="9999"):
        upgrade(database.engine)
    with pytest.raises(ControlTooNew, match="install the newer"):
        open_control(own_url)
    database.engine.dispose()


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TABLE orders (id int)",
        "CREATE TABLE alembic_version (version_num varchar(32))",
        "CREATE VIEW v AS SELECT 1",
    ],
)
def test_somebody_elses_database_is_left_alone(server: Server, foreign: str) -> None:
    url = server.empty()
    server.run(database_of(url), foreign)
    database = connect(url)
    before = inspect(database.engine).get_table_names()
    with pytest.raises(ForeignDatabase, match="a database of its own"):
        upgrade(database.engine)
    with pytest.raises(ForeignDatabase):
        open_control(url)
    assert inspect(database.engine).get_table_names() == before
    database.engine.dispose()


def test_an_empty_database_says_what_to_do(server: Server) -> None:
    with pytest.raises(ControlNotReady, match="is empty: `genuka up`"):
        open_control(server.empty())


@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "://", "sqlite:///x", "oracle://a:hidden@h/x",
        "postgresql://a:hidden@h", "postgresql://a:hidden@h:port/x", "mysql://a:hidden@h/",
    ],
)  # fmt: skip
def test_a_wrong_address_is_one_sentence(url: str) -> None:
    with pytest.raises(ControlAddressWrong, match="postgresql://user@host/name") as wrong:
        open_control(url)
    assert "hidden" not in str(wrong.value)
    assert wrong.value.exit_code == 2


@pytest.mark.parametrize("family", ["postgresql", "mysql", "mariadb"])
def test_an_unreachable_server_is_one_sentence_without_the_password(family: str) -> None:
    with pytest.raises(ControlUnreachable, match="GENUKA_CONTROL_URL") as unreachable:
        open_control(f"{family}://someone:hidden@127.0.0.1:9/control")
    assert "hidden" not in str(unreachable.value)
    assert "someone" not in str(unreachable.value)
    assert unreachable.value.__suppress_context__


def test_a_wrong_name_or_password_is_one_sentence(server: Server) -> None:
    with pytest.raises(ControlUnreachable, match="'nowhere'"):
        open_control(server.url("nowhere"))
    if server.dialect == "mysql":
        with pytest.raises(ControlUnreachable, match="1045"):
            open_control(server.url("mysql").replace("root@", "root:hidden@"))


def test_a_user_without_rights_is_one_sentence(server: Server) -> None:
    url = server.empty()
    name = database_of(url)
    if server.dialect == "postgresql":
        server.run("postgres", "DROP ROLE IF EXISTS weak", "CREATE ROLE weak LOGIN")
        weak = url.replace("postgres:", "weak:")
    else:
        server.run("mysql", "CREATE OR REPLACE USER weak", f"GRANT SELECT ON {name}.* TO weak")
        weak = url.replace("root@", "weak@")
    with pytest.raises(ControlRefused, match="lacks a right"):
        open_control(weak, upgrade=True)


def test_a_broken_database_is_one_sentence(server: Server, own_url: str) -> None:
    with open_control(own_url) as control:
        server.run(database_of(own_url), "DROP TABLE reviews")
        with pytest.raises(ControlRefused, match="refused: error") as refused:
            control.reviews.waiting(datetime.now(UTC))
    assert "SELECT" not in str(refused.value)


def test_a_lost_connection_is_one_sentence_and_the_next_call_works(server: Server, url: str) -> None:
    own, kill = (
        ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})")
        if server.dialect == "postgresql"
        else ("SELECT connection_id()", "KILL {}")
    )

    def lose(control: Control) -> None:
        with control._database.begin() as connection:
            number = connection.exec_driver_sql(own).scalar()
            server.run(database_of(url), kill.format(number))
            connection.exec_driver_sql("SELECT 1")

    with open_control(url) as control:
        with pytest.raises(ControlUnreachable):
            lose(control)
        assert control.ledger.head().seq == 0


def test_a_server_that_only_reads_is_one_sentence(postgresql: Server) -> None:
    url = postgresql.own()
    postgresql.run("postgres", f"ALTER DATABASE {database_of(url)} SET default_transaction_read_only = on")
    now = datetime.now(UTC)
    with open_control(url) as control, pytest.raises(ControlRefused, match="it only reads"):
        control.ledger.append(Lifecycle(event="up"), as_of=now, now=now)
