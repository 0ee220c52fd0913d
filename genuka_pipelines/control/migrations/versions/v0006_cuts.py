"""Which texts of a restored backup must lose an address again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = sa.TIMESTAMP(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")


def upgrade() -> None:
    """Repeatable: a crash on MySQL, which commits each statement, leaves a state this finishes."""
    op.create_table(
        "cuts",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("row", sa.String(64), nullable=False),
        sa.Column("table", sa.String(64), nullable=False),
        sa.Column("column", sa.String(64), nullable=False),
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("database", sa.String(191), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("mark", sa.String(1), nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("mark_at", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        if_not_exists=True,
        **MYSQL,
    )
    if "ix_cuts_at" not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("cuts")}:
        op.create_index("ix_cuts_at", "cuts", ["at", "id"])
