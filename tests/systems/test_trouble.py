"""Every way in which a database fails a reader has a name, a sentence and no secret."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.systems.database import Database, open_database
from genuka_pipelines.systems.dialect import dialect_of
from genuka_pipelines.systems.errors import (
    DatabaseUnreachable,
    MissingColumn,
    MissingTable,
    NotPermitted,
    ReadOnlyDatabase,
    TooSlow,
    UnknownDialect,
)
from genuka_pipelines.systems.server import server_facts
from tests.systems.opened import opened, run

Changed = Callable[[sa.URL], sa.URL]


def _closed_port(url: sa.URL) -> sa.URL:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    return sa.URL.create(url.drivername, "root", "hunter2", "127.0.0.1", port, url.database)


CASES: dict[str, tuple[Changed, str]] = {
    "closed port": (_closed_port, "refuses connections"),
    "no socket": (
        lambda url: (
            url.update_query_dict({"host": "/nowhere"})
            if url.get_backend_name() == "postgresql"
            else url.update_query_dict({"unix_socket": "/nowhere/s"})
        ),
        "refuses connections",
    ),
    "no such host": (
        lambda url: sa.URL.create(url.drivername, "root", "hunter2", "no.such.host.invalid", None, "x"),
        "nothing resolves",
    ),
    "unknown user": (lambda url: url.set(username="nobody_here", password="hunter2"), "user or the password"),
    "unknown database": (lambda url: url.set(database="no_such_database"), "no database"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_database_that_cannot_be_opened(database: Database, case: str) -> None:
    change, said = CASES[case]
    plain = database.url.set(drivername=database.url.get_backend_name())
    broken = Database(change(plain), name="shop_database")
    for read in (lambda: broken.tables(), lambda: list(broken.stream(sa.select(sa.literal(1).label("n"))))):
        with pytest.raises(DatabaseUnreachable) as caught:
            read()
        assert said in str(caught.value)
        assert "shop_database" in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert caught.value.exit_code == 2


NO_TLS = {"ssl_disabled": True}
REQUIRED = {"ssl": {"check_hostname": False}}
ENCRYPTION: dict[str, dict[str, object]] = {
    "127.0.0.1/x": NO_TLS,
    "127.1.2.3:3307/x": NO_TLS,
    "localhost/x": NO_TLS,
    "[::1]/x": NO_TLS,
    "/x?unix_socket=/run/s": NO_TLS,
    "db.example.org/x?unix_socket=/run/s": NO_TLS,
    "db.example.org/x": REQUIRED,
    "10.0.0.7/x": REQUIRED,
    "127.0.0.1/x?host=db.example.org": REQUIRED,
    # what the URL says comes first
    "127.0.0.1/x?ssl_disabled=false": {"ssl_disabled": False, **REQUIRED},
    "127.0.0.1/x?ssl_ca=/ca.pem": {},
    "127.0.0.1/x?ssl_ca=/ca.pem&ssl_disabled=no": {"ssl_disabled": False},
    "db.example.org/x?ssl_ca=/ca.pem": {},
    "db.example.org/x?ssl_verify_cert=true": {},
    "db.example.org/x?ssl_disabled=true": NO_TLS,
    "db.example.org/x?ssl_disabled=1": NO_TLS,
    "db.example.org/x?ssl_disabled=true&ssl_ca=/ca.pem": NO_TLS,
}


@pytest.mark.parametrize("place", ENCRYPTION)
def test_mysql_is_encrypted_beyond_this_machine_unless_the_url_says_otherwise(place: str) -> None:
    url = sa.make_url(f"mysql+pymysql://u@{place}")
    said = dialect_of(url).connect_args(url)
    assert {name: value for name, value in said.items() if name.startswith("ssl")} == ENCRYPTION[place]


def test_a_mysql_server_without_tls_is_refused_where_tls_is_wanted() -> None:
    """On the real driver: here the URL wants it, beyond this machine the house does."""
    with opened("mariadb") as database:
        assert database.rows(sa.text("SHOW STATUS LIKE 'Ssl_cipher'"))[0][1] == ""
        if database.rows(sa.text("SELECT @@have_ssl"))[0][0] == "YES":
            pytest.skip("this MariaDB offers TLS: its refusal was NOT tried")
        wanting = Database(database.url.update_query_dict({"ssl_disabled": "false"}), name="shop_database")
        with pytest.raises(DatabaseUnreachable, match="encryption"):
            wanting.tables()


def test_what_is_missing_is_named(database: Database) -> None:
    run(database, "CREATE TABLE here (id int)")
    with pytest.raises(MissingTable, match="no table 'absent'"):
        database.table("absent")
    gone = sa.Table("gone", sa.MetaData(), sa.Column("id", sa.Integer))
    less = sa.Table("here", sa.MetaData(), sa.Column("gone", sa.Integer))
    for table, error in ((gone, MissingTable), (less, MissingColumn)):
        with pytest.raises(error):
            database.rows(sa.select(table))
        with pytest.raises(error):
            list(database.stream(sa.select(table)))


def test_reading_never_writes(database: Database) -> None:
    run(database, "CREATE TABLE kept (id int)")
    with pytest.raises(ReadOnlyDatabase), database.connected() as connection:
        connection.execute(sa.text("INSERT INTO kept VALUES (1)"))
    with pytest.raises(ReadOnlyDatabase), database.connected() as connection:
        connection.execute(sa.text("DROP TABLE kept"))


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_statement_ends_at_the_timeout(kind: str) -> None:
    with opened(kind, timeout=0.2) as database:  # type: ignore[arg-type]
        asleep = sa.func.pg_sleep(5) if kind == "postgresql" else sa.func.sleep(5)
        for read in (database.rows, lambda query: list(database.stream(query))):
            began = time.monotonic()
            with pytest.raises(TooSlow):
                read(sa.select(sa.type_coerce(sa.cast(asleep, sa.Text), sa.Text).label("n")))
            assert time.monotonic() - began < 3


def test_a_role_without_the_right_is_told_so(database: Database) -> None:
    run(database, "CREATE TABLE closed (id int)", "CREATE TABLE open_one (id int)")
    name = f"reader_{database.url.database}"
    if database.dialect.name == "postgresql":
        run(database, f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON open_one TO {name}")
    else:
        run(database, f"CREATE USER {name}@localhost", f"GRANT SELECT ON open_one TO {name}@localhost")
    with open_database(database.url.set(username=name), name="shop_database") as reader:
        assert reader.count(reader.table("open_one")) == 0
        closed = sa.Table("closed", sa.MetaData(), sa.Column("id", sa.Integer))
        with pytest.raises(NotPermitted):
            reader.rows(sa.select(closed))
    if database.dialect.name == "postgresql":
        run(database, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
    else:
        run(database, f"DROP USER {name}@localhost")


def test_a_server_says_what_it_is(database: Database) -> None:
    facts = server_facts(database)
    assert facts.product == {"postgresql": "PostgreSQL", "mysql": "MariaDB"}[database.dialect.name]
    assert facts.version[0].isdigit()
    assert facts.is_embedded
    assert facts.bypasses_row_security
    assert facts.hidden == ()


def test_hidden_rows_are_not_zero_rows() -> None:
    with opened("postgresql") as database:
        name = f"filtered_{database.url.database}"
        run(
            database,
            "CREATE TABLE veiled (id int)",
            "ALTER TABLE veiled ENABLE ROW LEVEL SECURITY",
            f"CREATE ROLE {name} LOGIN",
            f"GRANT SELECT ON veiled TO {name}",
        )
        assert server_facts(database).hidden == ()
        with open_database(database.url.set(username=name), name="shop_database") as reader:
            facts = server_facts(reader)
        assert not facts.bypasses_row_security
        assert facts.hidden == ("veiled",)
        run(database, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_another_scheme_is_answered_with_the_ones_spoken() -> None:
    with pytest.raises(UnknownDialect, match="postgresql://"):
        dialect_of(sa.make_url("sqlite:///x"))
    assert issubclass(UnknownDialect, GenukaError)


def test_the_inventory_lists_tables_and_not_views(database: Database) -> None:
    run(
        database,
        "CREATE TABLE odd (id int, name varchar(20), code char(26), paid numeric(15,2))",
        "CREATE VIEW seen AS SELECT id FROM odd",
    )
    tables = database.tables()
    assert "seen" not in tables
    words = {
        "postgresql": ["integer", "character varying(20)", "character(26)", "numeric(15,2)"],
        "mysql": ["int(11)", "varchar(20)", "char(26)", "decimal(15,2)"],
    }
    assert tables["odd"] == dict(zip(["id", "name", "code", "paid"], words[database.dialect.name], strict=True))
    run(database, "DROP VIEW seen")
