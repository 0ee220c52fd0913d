"""Requests of people and tenants, where a support tool writes them, and who may not be written to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = sa.TIMESTAMP(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")
SEALED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql")
INDEXES = {"ix_requests_status": ["status", "due_on", "id"], "ix_requests_person": ["person", "kind"]}


def upgrade() -> None:
    """Repeatable: a crash on MySQL, which commits each statement, leaves a state this finishes."""
    op.create_table(
        "requests",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("tenant", sa.String(128), nullable=True),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("arrived_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("extended", sa.Boolean, nullable=False),
        sa.Column("opened_by", sa.String(128), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("identity", sa.String(32), nullable=True),
        sa.Column("identified_by", sa.String(128), nullable=True),
        sa.Column("identified_at", MOMENT, nullable=True),
        sa.Column("preview", sa.String(64), nullable=True),
        sa.Column("approved_by", sa.String(128), nullable=True),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("confirmed_by", sa.String(128), nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("said", SEALED, nullable=False),
        sa.Column("outcome", SEALED, nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    present = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("requests")}
    for name, columns in INDEXES.items():
        if name not in present:
            op.create_index(name, "requests", columns)
    gate = op.create_table(
        "requests_gate",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        if_not_exists=True,
        **MYSQL,
    )
    if op.get_bind().scalar(sa.select(sa.func.count()).select_from(gate)) == 0:
        op.bulk_insert(gate, [{"id": 1}])
    op.create_table(
        "request_intake",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(320), nullable=False),
        sa.Column("tenant", sa.String(128), nullable=True),
        sa.Column("arrived_on", sa.Date, nullable=True),
        sa.Column("opened_by", sa.String(128), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("wrong", sa.String(191), nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    op.create_table(
        "suppressions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        sa.Column("request", sa.String(64), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        if_not_exists=True,
        **MYSQL,
    )
