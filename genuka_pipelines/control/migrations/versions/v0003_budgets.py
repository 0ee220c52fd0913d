"""What releases for analysts cost: one debit for each, which no second release of the same can make again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = sa.TIMESTAMP(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")


def upgrade() -> None:
    """Repeatable: a crash on MySQL, which commits each statement, leaves a state this finishes."""
    op.create_table(
        "budget_debits",
        sa.Column("table", sa.String(64), primary_key=True),
        sa.Column("period", sa.String(16), primary_key=True),
        sa.Column("spec", sa.String(16), primary_key=True),
        sa.Column("units", sa.String(64), nullable=False),
        sa.Column("year", sa.SmallInteger, nullable=False),
        sa.Column("once", sa.Boolean, nullable=False),
        sa.Column("rho", sa.BigInteger, nullable=False),
        sa.Column("pure", sa.BigInteger, nullable=True),
        sa.Column("delta", sa.BigInteger, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        if_not_exists=True,
        **MYSQL,
    )
    present = sa.inspect(op.get_bind()).get_indexes("budget_debits")
    if "ix_budget_debits_year" not in {index["name"] for index in present}:
        op.create_index("ix_budget_debits_year", "budget_debits", ["units", "year"])
