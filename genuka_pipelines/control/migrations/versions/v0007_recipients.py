"""Who else is told what a request changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = sa.TIMESTAMP(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")
SEALED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql")


def upgrade() -> None:
    """Repeatable: a crash on MySQL, which commits each statement, leaves a state this finishes."""
    op.create_table(
        "recipient_notices",
        sa.Column("request", sa.String(64), primary_key=True),
        sa.Column("recipient", sa.String(64), primary_key=True),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("told_by", sa.String(128), nullable=True),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("reference", sa.String(128), nullable=True),
        sa.Column("why", sa.String(32), nullable=True),
        sa.Column("about", SEALED, nullable=True),
        if_not_exists=True,
        **MYSQL,
    )
    present = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("recipient_notices")}
    if "ix_recipient_notices_state" not in present:
        op.create_index("ix_recipient_notices_state", "recipient_notices", ["state"])
