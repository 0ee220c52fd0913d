"""The ledger, its head and open intentions, the leases, the review queue."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = sa.TIMESTAMP(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")
APPEND_ONLY = "ledger_entries is append-only"
TRIGGERS_REFUSED = {1142, 1227, 1419}


def upgrade() -> None:
    """Repeatable: a crash on MySQL, which commits each statement, leaves a state this finishes."""
    op.create_table(
        "ledger_entries",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(191), nullable=False),
        sa.Column("body", sa.Text().with_variant(mysql.MEDIUMTEXT, "mysql"), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("kind", "subject", "seq", name="uq_ledger_latest"),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "ledger_open_intents",
        sa.Column("seq", sa.BigInteger, sa.ForeignKey("ledger_entries.seq"), primary_key=True, autoincrement=False),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "leases",
        sa.Column("capability", sa.String(64), primary_key=True),
        sa.Column("shard", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("check", sa.String(64), nullable=False),
        sa.Column("category", sa.String(191), nullable=False),
        sa.Column("table", sa.String(64), nullable=False),
        sa.Column("column", sa.String(64), nullable=False),
        sa.Column("row", sa.String(64), nullable=False),
        sa.Column("detector", sa.String(64), nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decision", sa.String(16), nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    _expiry_index()
    head = sa.table("ledger_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    if op.get_bind().execute(sa.select(head.c.id)).first() is None:
        op.get_bind().execute(sa.insert(head).values(id=1, seq=0, hash="0" * 64))
    if op.get_bind().dialect.name == "mysql":
        _execute_unless_refused(_mysql_guards())
    else:
        for statement in _POSTGRESQL_GUARDS:
            op.execute(statement)


def _expiry_index() -> None:
    present = sa.inspect(op.get_bind()).get_indexes("reviews")
    if "ix_reviews_expires_at" not in {index["name"] for index in present}:
        op.create_index("ix_reviews_expires_at", "reviews", ["expires_at"])


_POSTGRESQL_GUARDS = (
    f"""CREATE OR REPLACE FUNCTION genuka_ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{APPEND_ONLY}' USING ERRCODE = 'insufficient_privilege'; END $$""",
    """CREATE TRIGGER ledger_entries_rows BEFORE UPDATE OR DELETE ON ledger_entries
        FOR EACH ROW EXECUTE FUNCTION genuka_ledger_refuses()""",
    """CREATE TRIGGER ledger_entries_whole BEFORE TRUNCATE ON ledger_entries
        FOR EACH STATEMENT EXECUTE FUNCTION genuka_ledger_refuses()""",
)


def _mysql_guards() -> Iterable[str]:
    for verb in ("UPDATE", "DELETE"):
        name = f"ledger_entries_{verb.lower()}"
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield (
            f"CREATE TRIGGER {name} BEFORE {verb} ON ledger_entries FOR EACH ROW "
            f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{APPEND_ONLY}'"
        )


def _execute_unless_refused(statements: Iterable[str]) -> None:
    # A managed server may keep triggers to its administrator: the hash chain still finds what they stop.
    for statement in statements:
        try:
            op.execute(statement)
        except DBAPIError as refusal:
            if refusal.orig is None or refusal.orig.args[0] not in TRIGGERS_REFUSED:
                raise
            return
