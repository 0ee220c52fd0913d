"""The tables that are backed up: customers, orders and their lines of many tenants, and a day's work on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.backups.taken import SCHEMA
from tests.servers import Kind, fresh_database

TENANTS = 200
INDEXES = (
    "create index orders_company_id on orders (company_id, placed_at)",
    "create index orders_customer_id on orders (customer_id)",
    "create index order_lines_order_id on order_lines (order_id)",
    "create index customers_company_id on customers (company_id)",
)
TABLES = ("companies", "customers", "orders", "order_lines")
PARTS = {"customers": 1, "orders": 6, "order_lines": 3}
"""Of ten rows, how many are in each table: 200 bytes of text a row, which zstd makes 45."""
LEAST = 100
"""Of fewer rows a hundredth is none."""
_TENANT = "concat('tenant', lpad(concat(mod({n}, {tenants})), 20, '0'))"
_CUSTOMER = "concat('customer', lpad(concat({n}), 18, '0'))"
_NUMBERS = {
    "postgresql": "generate_series({first}::bigint, {last}) as numbers (n)",
    "mariadb": "(select seq as n from seq_{first}_to_{last}) as numbers",
}
_SECONDS = {"postgresql": "n * interval '1 second'", "mariadb": "interval n second"}
_ROWS = {
    "customers": f"select {_CUSTOMER}, {_TENANT}, concat('Client ', mod(n * 7919, 99991)), "
    "concat('client', n, '@example.org'), null",
    "orders": f"select n, {_TENANT}, {_CUSTOMER.replace('{n}', '{customer}')}, concat('reference: ', md5(concat(n)), "
    "'; address: ', mod(n * 31, 199), ' rue de la République, ', mod(n * 7919, 97000), ' Ville; phone: +33 6 ', "
    "mod(n * 104729, 99999989), '; total: ', mod(n * 7907, 99991), ' EUR; payment: card; receipt: ', "
    "substr(md5(concat('r', n)), 1, 16)), timestamp '2026-10-01 00:00:00' + {seconds}, null",
    "order_lines": "select n, {order}, concat('Article ', mod(n * 7919, 5003), ' taille ', mod(n, 9), ' ', "
    "substr(md5(concat('l', n)), 1, 6))",
}


def counts(rows: int) -> dict[str, int]:
    """Rows by table, of so many together; a multiple of the tenants where there are that many."""
    return {name: rows * part // 10 for name, part in PARTS.items()}


@contextmanager
def filled(kind: Kind, rows: int, tenants: int = TENANTS) -> Iterator[sa.URL]:
    """A database with so many rows; those of one tenant lie everywhere between the others'."""
    with fresh_database(kind) as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            SCHEMA.create_all(connection)
            names = (
                f"select concat('tenant', lpad(concat(n), 20, '0')), concat('Boutique ', n), null from {_NUMBERS[kind]}"
            )
            connection.exec_driver_sql(
                f"insert into companies (id, name, closed_at) {names.format(first=0, last=tenants - 1)}"
            )
            for table in PARTS:
                connection.exec_driver_sql(_insert(kind, table, rows, 0, 1, tenants).replace("%", "%%"))
            for statement in INDEXES:
                connection.exec_driver_sql(statement)
            for table in TABLES:
                connection.exec_driver_sql(f"{'vacuum analyze' if kind == 'postgresql' else 'analyze table'} {table}")
        engine.dispose()
        yield url


def day(kind: Kind, url: sa.URL, rows: int, number: int, tenants: int = TENANTS) -> None:
    """One hundredth of the rows of each table changes, and as many are added; days count from 1."""
    engine = sa.create_engine(url)
    changes = {"customers": "name", "orders": "note", "order_lines": "label"}
    with engine.begin() as connection:
        for table, column in changes.items():
            # Every tenant's rows in their turn: its hundredth row, then its next.
            key = "cast(substr(id, 9) as decimal)" if table == "customers" else "id"
            chosen = f"mod(floor({key} / {tenants}.0) + {key}, 100) = {number % 100}"
            changed = f"update {table} set {column} = concat('Jour {number} ', {column}) where {chosen}"
            connection.exec_driver_sql(changed)
            if counts(rows)[table] >= LEAST:
                since, until = 1 + (number - 1) / 100, 1 + number / 100
                connection.exec_driver_sql(_insert(kind, table, rows, since, until, tenants))
    engine.dispose()


def _insert(kind: Kind, table: str, rows: int, since: float, until: float, tenants: int) -> str:
    """The rows of a table from one multiple of what there was at first to another."""
    size = counts(rows)
    count = size[table]
    first, last = round(since * count) + 1, round(until * count)
    query = _ROWS[table].format(
        n="n", tenants=tenants, seconds=_SECONDS[kind], customer=_same_tenant("n", size["customers"], tenants),
        order=f"mod(n, {size['orders']}) + 1",
    )  # fmt: skip
    return f"insert into {table} {_COLUMNS[table]} {query} from {_NUMBERS[kind].format(first=first, last=last)}"


def _same_tenant(number: str, customers: int, tenants: int) -> str:
    """A customer (1 to so many) of the tenant of a number, where there is one for each tenant."""
    among = customers // tenants * tenants or customers
    return f"mod({number} - 1, {among}) + 1"


_COLUMNS = {
    "customers": "(id, company_id, name, email, deleted_at)",
    "orders": "(id, company_id, customer_id, note, placed_at, deleted_at)",
    "order_lines": "(id, order_id, label)",
}
