"""Databases made up from a seed: tables that lead to their tenants in every way there is, and who owns each row.

Who owns a row is decided when it is made, and never found out by following anything; so what the export finds by
its own ways can be compared with it. Every row, secret and file bears a mark that no other has.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Literal

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.stores.folder.store import FolderStore
from tests.exports.world import COMPANIES, CONTENT, MOMENT, NOTES, REGISTER, ExportHouse, facts_of
from tests.servers import Kind

Way = Literal["column", "parent", "owners", "several"]
"""How a row finds its tenant: its own column, a parent, one of several kinds of owners, or nothing but a part of its
key."""
TENANTS = (
    "1", "11", "111", "12", "t", "t1", "b'é😀", 'b"é😀\\', "日本", "日本1", "%", "_", "null", "-1", "t 1", "T",
    "é", "É", "e",
)  # fmt: skip
"""Names that begin others, that a quoting, a pattern or a collation gets wrong, or that look like something else."""
NAMES = ("customers", "orders", "products", "carts", "tickets", "visits", "reviews", "boxes")
JSON = sa.JSON(none_as_null=True).with_variant(sa.dialects.postgresql.JSONB(none_as_null=True), "postgresql")
TYPES: dict[str, Any] = {
    "text": sa.Text(), "number": sa.Numeric(12, 2), "rate": sa.Double(), "whole": sa.BigInteger(), "paid": sa.Boolean(),
    "moment": MOMENT, "day": sa.Date(), "document": JSON, "blob": sa.LargeBinary(),
}  # fmt: skip


@dataclass(eq=False)
class Made:
    """A table: how its rows lead to a tenant, what they may hang from, and what else it has."""

    name: str
    way: Way
    key: Literal["whole", "text", "none"]
    sql: sa.Table = field(init=False)
    parent: Made | None = None
    owners: dict[str, Made | None] = field(default_factory=dict)
    link: str = ""
    also: Made | None = None
    holds: tuple[str, ...] = ()
    files: bool = False
    secret: bool = False
    guarded: bool = False
    recorded: bool = False

    @property
    def singular(self) -> str:
        return self.name[:-1]

    def declared(self) -> dict[str, Any]:
        """Its facts."""
        tenant: Any = self.link
        if self.way == "parent" and self.parent:
            tenant = {"column": self.link, "parent": self.parent.name}
        elif self.way == "owners":
            named = {kind: owner.name if owner else "companies" for kind, owner in self.owners.items()}
            tenant = {"column": self.link, "kind": "model_type", "owners": named}
        columns: dict[str, Any] = {column.name: "system" for column in self.sql.c}
        if self.secret:
            columns["password"] = {"holds": "user.authorization.password", "protected": "hash"}
        found: dict[str, Any] = {"tenant": tenant, "columns": columns}
        if self.key == "none" or self.way == "several":
            found["key"] = [self.link, "mark"]
        if self.files:
            found["content"] = {"system": "media_store", "key": "object"}
        return found


@dataclass(frozen=True)
class Row:
    """A row and whose it is; None for nobody's."""

    table: str
    tenant: str | None
    values: dict[str, Any]
    own: bool = False


@dataclass(eq=False)
class Generated:
    """A database of some tenants, one of which may have its own; and the files of each."""

    kind: Kind
    dice: Random
    tables: dict[str, Made] = field(default_factory=dict)
    tenants: list[str] = field(default_factory=list)
    dedicated: str | None = None
    rows: list[Row] = field(default_factory=list)
    files: dict[str, tuple[bytes, str | None]] = field(default_factory=dict)
    schema: sa.MetaData = field(default_factory=sa.MetaData)

    def __post_init__(self) -> None:
        dice = self.dice
        self._marks, self._numbers = itertools.count(1), itertools.count(1)
        self._objects: dict[str | None, list[str]] = {}
        self.exact = dice.random() < 0.5
        self.tenants = dice.sample(TENANTS, dice.randint(2, 5))
        self.dedicated = dice.choice([*self.tenants, None])
        for name in dice.sample(NAMES, dice.randint(2, 7)):
            self.tables[name] = self._table(name)
        for own in (False, True) if self.dedicated else (False,):
            self._fill(own)

    def text(self, length: int = 60) -> Any:
        """A text column's type."""
        return sa.String(length).with_variant(
            sa.dialects.mysql.VARCHAR(length, collation="utf8mb4_bin" if self.exact else None), "mysql", "mariadb"
        )

    def mark(self) -> str:
        return f"<{next(self._marks):06d}>"

    def _table(self, name: str) -> Made:
        dice = self.dice
        roots = [one for one in self.tables.values() if one.key != "none" and one.way != "several"]
        ways: list[Way] = ["column", "several", "column"]
        if roots:
            ways += ["parent", "parent", "owners", "owners"]
        way = dice.choice(ways)
        made = Made(name, way, "none" if way == "several" else dice.choice(["whole", "whole", "text", "none"]))
        made.holds = tuple(dice.sample(sorted(TYPES), dice.randint(0, len(TYPES))))
        made.files, made.secret, made.recorded = (dice.random() < share for share in (0.4, 0.3, 0.1))
        if way == "parent":
            made.parent = dice.choice(roots)
            made.link = dice.choice([f"{made.parent.singular}_id", "belongs_to"])
            made.guarded = dice.random() < 0.5
        elif way == "owners":
            named = dice.sample(roots, dice.randint(1, min(3, len(roots))))
            kinds = dice.choice(["App\\Models\\{}", "{}", "{}é"])
            made.owners = {kinds.format(one.singular.title()): one for one in named}
            # A kind that begins as another's name does.
            made.owners |= {next(iter(made.owners)) + "Line": None} if dice.random() < 0.6 else {}
            made.link = "model_id"
        else:
            made.link = dice.choice(["company_id", "shop_of"])
        others = [one for one in roots if f"{one.singular}_id" != made.link]
        made.also = dice.choice(others) if others and dice.random() < 0.5 else None
        made.sql = self._sql(made)
        return made

    def _sql(self, made: Made) -> sa.Table:
        columns: list[Any] = []
        if made.key != "none":
            columns.append(sa.Column("id", self._key(made), primary_key=True, autoincrement=made.key == "whole"))
        composed = made.way == "several"
        guard = [sa.ForeignKey(f"{made.parent.name}.id")] if made.guarded and made.parent else []
        link = self._key(made.parent) if made.parent else self.text()
        columns.append(sa.Column(made.link, link, *guard, primary_key=composed))
        columns.append(sa.Column("mark", self.text(20), primary_key=composed))
        if made.way == "owners":
            columns.append(sa.Column("model_type", self.text()))
        if made.also:
            columns.append(sa.Column(f"{made.also.singular}_id", self._key(made.also)))
        if made.files:
            columns.append(sa.Column("object", self.text(100)))
        if made.secret:
            columns.append(sa.Column("password", self.text(), nullable=False))
        columns += [sa.Column(f"a_{name}", TYPES[name]) for name in made.holds]
        self.dice.shuffle(columns)
        return sa.Table(made.name, self.schema, *columns)

    def _key(self, made: Made) -> Any:
        return sa.Integer() if made.key == "whole" else self.text()

    def _fill(self, own: bool) -> None:
        """Rows of every tenant, table after table, so that parents are there; keys of one table begin others'."""
        owners = [self.dedicated] if own else [*self.tenants, None]
        there: dict[tuple[str, str | None], list[Any]] = {}
        for made in self.tables.values():
            # A row of one tenant in two databases has to have two keys; others may have the same one.
            number = itertools.count(1001 if own and self.dedicated in self.tenants else 1)
            turns = [tenant for tenant in owners for _ in range(self.dice.choice([0, 1, 2, 5]))]
            self.dice.shuffle(turns)
            for tenant in turns:
                if tenant is None and (made.guarded or made.way == "several"):
                    continue
                values = self._linked(made, tenant, there)
                if values is None:
                    continue
                if made.key != "none":
                    at = next(number)
                    values["id"] = at if made.key == "whole" else str(at)
                    there.setdefault((made.name, tenant), []).append(values["id"])
                values |= self._besides(made, tenant, there)
                self.rows.append(Row(made.name, self.dedicated if own else tenant, values, own))

    def _linked(self, made: Made, tenant: str | None, there: dict[tuple[str, str | None], list[Any]]) -> Any:
        """What leads to the tenant; to nowhere for nobody; None where it has nothing to hang from."""
        if made.way in ("column", "several"):
            return {made.link: tenant}
        if made.way == "parent" and made.parent:
            nowhere = None if self.dice.random() < 0.5 else 999_999 if made.parent.key == "whole" else "nowhere"
            held = there.get((made.parent.name, tenant), [] if tenant is not None else [nowhere])
            return {made.link: self.dice.choice(held)} if held else None
        ways: list[tuple[str | None, Any]] = [
            (kind, str(key) if owner else tenant)
            for kind, owner in made.owners.items()
            for key in (there.get((owner.name, tenant), []) if owner else [tenant])
        ]
        if tenant is None:
            # Kinds that nobody declared, with keys that somebody has.
            ways += [("Nothing", "1"), (None, "1"), (next(iter(made.owners)), None), ("App", self.dice.choice(TENANTS))]
        kind, key = self.dice.choice(ways) if ways else (None, None)
        return {"model_type": kind, made.link: key} if ways else None

    def _besides(self, made: Made, tenant: str | None, there: dict[tuple[str, str | None], list[Any]]) -> Any:
        values: dict[str, Any] = {f"a_{name}": self._value(name) for name in made.holds}
        values["mark"] = self.mark()
        if made.also:
            nowhere = 888_888 if made.also.key == "whole" else "nobody"
            known = there.get((made.also.name, tenant), [])
            values[f"{made.also.singular}_id"] = self.dice.choice([None, nowhere, *known, *known])
        if made.secret:
            values["password"] = self.mark()
        if made.files:
            values["object"] = self._object(tenant)
        return values

    def _object(self, tenant: str | None) -> str | None:
        """The key of a file, of the tenant alone; numbers that begin others, and names with anything in them."""
        choice, mine = self.dice.random(), self._objects.setdefault(tenant, [])
        if choice < 0.2:
            return self.dice.choice([None, ""])
        if choice < 0.4 and mine:
            return self.dice.choice(mine)
        key = str(next(self._numbers))
        below = [f"{key}/a.png", f"{key}/conversions/ü 1.png"]
        keys = self.dice.choice([[key], below, below[1:], [f"é{key}=x.png"]])
        for one in keys:
            data = b"the same for many" if self.dice.random() < 0.1 else self.mark().encode() * self.dice.choice([1, 9])
            self.files[one] = (data, tenant)
        mine.append(keys[0] if len(keys) == 1 and "/" not in keys[0] else key)
        return mine[-1]

    def _value(self, name: str) -> Any:
        dice = self.dice
        if dice.random() < 0.25:
            return None
        texts = [note for note in NOTES if note is not None] + [*TENANTS, "x" * 5000, "ʼ", "\u2028", "＝1"]
        floats = [0.0, 1e300, 5e-324, dice.random(), 1 / 3]
        if self.kind == "postgresql":
            floats += [-0.0, float("inf"), float("-inf"), float("nan")]
        return {
            "text": dice.choice(texts),
            "number": Decimal(dice.randrange(-(10**11), 10**11)) / 100,
            "rate": dice.choice(floats),
            "whole": dice.choice([0, -1, 2**63 - 1, -(2**63)]),
            "paid": dice.random() < 0.5,
            "moment": dt.datetime(dice.choice([1000, 1969, 2026, 9999]), 12, 31, 23, 59, 59, dice.randrange(10**6)),
            "day": dt.date(dice.choice([1000, 1970, 2024, 9999]), 2, 28),
            "document": dice.choice([{}, [], "=1", 0, {"é": [None, True, {'\n"\\': "\1"}]}, {"": dice.choice(texts)}]),
            "blob": dice.choice([b"", b"\\x00", dice.randbytes(40), bytes(range(256))]),
        }[name]  # fmt: skip

    def catalog(self) -> Catalog:
        """The facts of its tables."""
        declared = {name: made.declared() for name, made in self.tables.items()}
        theirs = {name: facts for name, facts in declared.items() if not self.tables[name].recorded}
        return facts_of(theirs, {}, {name: facts for name, facts in declared.items() if name not in theirs})

    @contextmanager
    def put(self, house: ExportHouse) -> Iterator[ExportHouse]:
        """The house with this in its databases and its store of files, and nothing else."""
        assert house.opened._url_of is not None
        for own, url in ((False, house.shared.url), (True, house.opened._url_of("own"))):
            engine = sa.create_engine(url, poolclass=sa.NullPool)
            with engine.begin() as connection:
                _clear(connection)
                self.schema.create_all(connection)
                for made in self.tables.values():
                    mine = [one.values for one in self.rows if one.table == made.name and one.own == own]
                    if mine:
                        connection.execute(made.sql.insert(), mine)
                if not own:
                    self._register(connection)
        with tempfile.TemporaryDirectory(dir=house.folder) as folder:
            store = FolderStore(Path(folder) / "media", name="media_store", create=True)
            for key, (data, _) in self.files.items():
                store.put(key, data)
            yield replace(house, catalog=self.catalog(), stores={**house.stores, "media_store": store})

    def _register(self, connection: sa.Connection) -> None:
        connection.execute(COMPANIES.delete())
        connection.execute(COMPANIES.insert(), [{"id": one, "name": ""} for one in self.tenants])
        connection.execute(REGISTER.delete())
        if self.dedicated:
            said = {"company_id": self.dedicated, "mode": "dedicated", "dsn_secret_ref": "own"}
            connection.execute(REGISTER.insert(), said)

    def mistaken(self, tenant: str) -> bool:
        """Whether the server takes another tenant's key for this one's."""
        alike = {"t": "T", "T": "t", "é": "Ée", "É": "ée", "e": "éÉ"}.get(tenant, "")
        return self.kind == "mariadb" and bool(set(alike) & set(self.tenants))

    def of(self, tenant: str) -> Iterator[Row]:
        """The rows that an archive of a tenant must have, and no others."""
        return (row for row in self.rows if row.tenant == tenant and not self.tables[row.table].recorded)


def _clear(connection: sa.Connection) -> None:
    """No table of any database that was made before, nor of the small house."""
    quoted = connection.dialect.identifier_preparer.quote
    there = {*NAMES, *(table.name for table in CONTENT), "tokens", "support_logs"}
    names = ", ".join(quoted(name) for name in sorted(there))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {names} CASCADE")
        return
    connection.exec_driver_sql("SET foreign_key_checks = 0")
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {names}")
    connection.exec_driver_sql("SET foreign_key_checks = 1")


def plain(value: Any, column: str) -> Any:
    """A value as NDJSON has it."""
    if value is None:
        return None
    if column == "a_rate" and not math.isfinite(value):
        return {"nan": "NaN", "inf": "INF", "-inf": "-INF"}[str(value)]
    if column == "a_moment":
        return value.isoformat(timespec="microseconds") + "Z"
    if column == "a_number":
        return f"{value:.2f}"
    if column == "a_blob":
        return value.hex()
    return value.isoformat() if column == "a_day" else value
