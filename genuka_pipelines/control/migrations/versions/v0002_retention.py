"""Holds and their gate, pace, switches, erasures, notices; sealed keys of open intentions; a ledger that ages.

The database lets go of an entry only when it is old and the ledger's last entry says that it goes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = sa.TIMESTAMP(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")
SEALED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql")
TRIGGERS_REFUSED = {1142, 1227, 1419}


def upgrade() -> None:
    """Repeatable: a crash on MySQL, which commits each statement, leaves a state this finishes."""
    columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("ledger_open_intents")}
    if "sealed" not in columns:
        op.add_column("ledger_open_intents", sa.Column("sealed", SEALED, nullable=True))
    _holds()
    _settings()
    _lists()
    if op.get_bind().dialect.name == "mysql":
        _mysql_guard()
    else:
        op.execute(_POSTGRESQL_GUARD)


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("target", sa.String(191), nullable=False),
        sa.Column("sealed", SEALED, nullable=True),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(191), nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("placed_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("renewed_by", sa.String(128), nullable=True),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.Column("released_by", sa.String(128), nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "holds_gate",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        if_not_exists=True,
        **MYSQL,
    )
    gate = sa.table("holds_gate", sa.column("id"))
    if op.get_bind().execute(sa.select(gate.c.id)).first() is None:
        op.get_bind().execute(sa.insert(gate).values(id=1))


def _settings() -> None:
    op.create_table(
        "pace",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("rows_per_second", sa.BigInteger, nullable=True),
        sa.Column("batch_rows", sa.BigInteger, nullable=True),
        sa.Column("max_lag_seconds", sa.Double, nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "switches",
        sa.Column("capability", sa.String(64), primary_key=True),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(128), nullable=False),
        if_not_exists=True,
        **MYSQL,
    )


def _lists() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("row", sa.String(64), nullable=False),
        sa.Column("table", sa.String(64), nullable=False),
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("database", sa.String(191), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        if_not_exists=True,
        **MYSQL,
    )
    _index("erasures", "ix_erasures_at", ["at", "id"])
    op.create_table(
        "notices",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("rule", sa.String(191), nullable=False),
        sa.Column("subject", sa.String(191), nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    _index("notices", "ix_notices_subject", ["rule", "subject"])


def _index(table: str, name: str, columns: list[str]) -> None:
    present = sa.inspect(op.get_bind()).get_indexes(table)
    if name not in {index["name"] for index in present}:
        op.create_index(name, table, columns)


# 1823 days are a little less than five years, so that no leap day stops an entry whose time is over.
_POSTGRESQL_GUARD = """
CREATE OR REPLACE FUNCTION genuka_ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
        IF OLD.at < clock_timestamp() - interval '1823 days' AND OLD.seq <= (
            SELECT CAST(CAST(last.body AS jsonb) ->> 'through' AS bigint)
            FROM ledger_head JOIN ledger_entries last ON last.seq = ledger_head.seq WHERE last.kind = 'pruned'
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'ledger_entries is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""
_MYSQL_GUARD = """
CREATE TRIGGER ledger_entries_delete BEFORE DELETE ON ledger_entries FOR EACH ROW
IF OLD.at >= UTC_TIMESTAMP(6) - INTERVAL 1823 DAY OR OLD.seq > COALESCE((
    SELECT CAST(JSON_EXTRACT(newest.body, '$.through') AS UNSIGNED)
    FROM ledger_head JOIN ledger_entries newest ON newest.seq = ledger_head.seq WHERE newest.kind = 'pruned'
), 0) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_entries is append-only';
END IF
"""


def _mysql_guard() -> None:
    # A managed server may keep triggers to its administrator: the hash chain still finds what they stop.
    try:
        op.execute("DROP TRIGGER IF EXISTS ledger_entries_delete")
        op.execute(_MYSQL_GUARD)
    except DBAPIError as refusal:
        if refusal.orig is None or refusal.orig.args[0] not in TRIGGERS_REFUSED:
            raise
