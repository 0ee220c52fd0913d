"""What was handed over to people and tenants, and until when it may be fetched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = sa.TIMESTAMP(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")


def upgrade() -> None:
    """Repeatable: a crash on MySQL, which commits each statement, leaves a state this finishes."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("key", sa.String(191), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("downloads", sa.Integer, nullable=False),
        sa.Column("downloaded_at", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    present = sa.inspect(op.get_bind()).get_indexes("deliveries")
    if "ix_deliveries_expires_at" not in {index["name"] for index in present}:
        op.create_index("ix_deliveries_expires_at", "deliveries", ["expires_at"])
