"""The tables of the control database, as the running program sees them.

The migrations make them and a test compares the two, so neither can drift from the other unseen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects import mysql

from genuka_pipelines.control.canonical import in_utc

MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
"""Bytes compare as bytes on both dialects: no case folding in an opaque name."""


class Moment(TypeDecorator[datetime]):
    """An aware UTC moment with microseconds, on databases that keep a zone and on those that do not."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """DATETIME(6) on MySQL, whose TIMESTAMP ends in 2038."""
        kind = mysql.DATETIME(fsp=6) if dialect.name == "mysql" else TIMESTAMP(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC; without its zone where the column has none."""
        if value is None:
            return None
        moment = in_utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "mysql" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """UTC again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Sealed = LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql")
"""What only the keyring opens, up to 16 MB."""

metadata = MetaData()

entries = Table(
    "ledger_entries",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("as_of", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", String(191), nullable=False),
    Column("body", Text().with_variant(mysql.MEDIUMTEXT, "mysql"), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # A constraint, not an index: MySQL then makes it with the table, in one step that no crash can split.
    UniqueConstraint("kind", "subject", "seq", name="uq_ledger_latest"),
    **MYSQL,
)

head = Table(
    "ledger_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", Moment, nullable=True),
    **MYSQL,
)
"""One row, locked by whoever appends. `at` is the latest wall time ever written, None before the first."""

open_intents = Table(
    "ledger_open_intents",
    metadata,
    # The reference also keeps MySQL from emptying the ledger by TRUNCATE, which no trigger there sees.
    Column("seq", ForeignKey(entries.c.seq), primary_key=True, autoincrement=False),
    Column("sealed", Sealed, nullable=True),
    **MYSQL,
)
"""Intentions without an outcome, so that finding them never reads the ledger; verification recounts them.

`sealed` says which rows were meant, to whoever finishes the work after a crash; it goes with the outcome.
"""

leases = Table(
    "leases",
    metadata,
    Column("capability", String(64), primary_key=True),
    Column("shard", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    **MYSQL,
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("check", String(64), nullable=False),
    Column("category", String(191), nullable=False),
    Column("table", String(64), nullable=False),
    Column("column", String(64), nullable=False),
    Column("row", String(64), nullable=False),
    Column("detector", String(64), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("decided_at", Moment, nullable=True),
    Column("decision", String(16), nullable=True),
    Index("ix_reviews_expires_at", "expires_at"),
    **MYSQL,
)
"""Findings that wait for a person. `row` is a keyed hash: nothing here says what was found, or about whom."""

holds = Table(
    "holds",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("system", String(64), nullable=False),
    Column("target", String(191), nullable=False),
    Column("sealed", Sealed, nullable=True),
    Column("digest", String(64), nullable=True),
    Column("reason", String(32), nullable=False),
    Column("reference", String(191), nullable=False),
    Column("author", String(128), nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=True),
    Column("renewed_by", String(128), nullable=True),
    Column("released_at", Moment, nullable=True),
    Column("released_by", String(128), nullable=True),
    **MYSQL,
)
"""`target` is a table, a tenant or a category in clear, empty for a person; which row or person is `sealed`."""

holds_gate = Table(
    "holds_gate",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    **MYSQL,
)
"""Locked, never changed: shared by whoever destroys a batch, alone by whoever changes a hold."""

pace = Table(
    "pace",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("paused", Boolean, nullable=False),
    Column("rows_per_second", BigInteger, nullable=True),
    Column("batch_rows", BigInteger, nullable=True),
    Column("max_lag_seconds", Double, nullable=True),
    **MYSQL,
)

switches = Table(
    "switches",
    metadata,
    Column("capability", String(64), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", String(128), nullable=False),
    **MYSQL,
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("row", String(64), nullable=False),
    Column("table", String(64), nullable=False),
    Column("system", String(64), nullable=False),
    Column("database", String(191), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_erasures_at", "at", "id"),
    **MYSQL,
)
"""Rows that a restored backup must lose again. `row` is a keyed hash: only who has the row can find it here."""

cuts = Table(
    "cuts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("row", String(64), nullable=False),
    Column("table", String(64), nullable=False),
    Column("column", String(64), nullable=False),
    Column("system", String(64), nullable=False),
    Column("database", String(191), nullable=False),
    Column("address", String(64), nullable=False),
    Column("mark", String(1), nullable=False),
    Column("length", Integer, nullable=False),
    Column("mark_at", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_cuts_at", "at", "id"),
    **MYSQL,
)
"""Texts that a restored backup must lose an address from again. Row and address are keyed hashes."""

notices = Table(
    "notices",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("rule", String(191), nullable=False),
    Column("subject", String(191), nullable=False),
    Column("days", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment, nullable=True),
    Index("ix_notices_subject", "rule", "subject"),
    **MYSQL,
)

budget_debits = Table(
    "budget_debits",
    metadata,
    Column("table", String(64), primary_key=True),
    Column("period", String(16), primary_key=True),
    Column("spec", String(16), primary_key=True),
    Column("units", String(64), nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("once", Boolean, nullable=False),
    Column("rho", BigInteger, nullable=False),
    Column("pure", BigInteger, nullable=True),
    Column("delta", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_budget_debits_year", "units", "year"),
    **MYSQL,
)
"""What each release of a table for analysts costs the people behind it: rho and pure in 1e-12, delta in 1e-18."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("request", String(64), nullable=False),
    Column("key", String(191), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("downloads", Integer, nullable=False),
    Column("downloaded_at", Moment, nullable=True),
    Column("withdrawn_at", Moment, nullable=True),
    Index("ix_deliveries_expires_at", "expires_at"),
    **MYSQL,
)
"""What was handed over: an encrypted object of a store, until when it may be fetched, and how often it was."""

requests = Table(
    "requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32), nullable=True),
    Column("tenant", String(128), nullable=True),
    Column("person", String(64), nullable=False),
    Column("arrived_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("extended", Boolean, nullable=False),
    Column("opened_by", String(128), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("identity", String(32), nullable=True),
    Column("identified_by", String(128), nullable=True),
    Column("identified_at", Moment, nullable=True),
    Column("preview", String(64), nullable=True),
    Column("approved_by", String(128), nullable=True),
    Column("approved_at", Moment, nullable=True),
    Column("confirmed_by", String(128), nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("tried_at", Moment, nullable=True),
    Column("ended_at", Moment, nullable=True),
    Column("said", Sealed, nullable=False),
    Column("outcome", Sealed, nullable=True),
    Index("ix_requests_status", "status", "due_on", "id"),
    Index("ix_requests_person", "person", "kind"),
    **MYSQL,
)
"""`person` is a keyed hash; what was asked, and what became of it, are sealed. A tenant is its id, in clear."""

requests_gate = Table(
    "requests_gate",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    **MYSQL,
)
"""One row, locked by whoever registers a request, so that the same one is never registered twice."""

request_intake = Table(
    "request_intake",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("subject", String(320), nullable=False),
    Column("tenant", String(128), nullable=True),
    Column("arrived_on", Date, nullable=True),
    Column("opened_by", String(128), nullable=False),
    Column("written_at", Moment, nullable=False, server_default=func.now()),
    Column("wrong", String(191), nullable=True),
    **MYSQL,
)
"""Where a support tool writes a request, with a role that may do nothing else; each row is gone at the next look."""

recipient_notices = Table(
    "recipient_notices",
    metadata,
    Column("request", String(64), primary_key=True),
    Column("recipient", String(64), primary_key=True),
    Column("how", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("told_by", String(128), nullable=True),
    Column("told_at", Moment, nullable=True),
    Column("reference", String(128), nullable=True),
    Column("why", String(32), nullable=True),
    Column("about", Sealed, nullable=True),
    Index("ix_recipient_notices_state", "state"),
    **MYSQL,
)
"""Who else had a person's data, and whether they were told; `about`, by what they find the person, is sealed."""

suppressions = Table(
    "suppressions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("request", String(64), nullable=True),
    Column("at", Moment, nullable=False),
    **MYSQL,
)
"""Who may not be written to, by channel: a keyed hash of the address, which outlives everything else of the person."""
