"""What Genuka bills its tenants, and what its staff opened of theirs.

Kept apart from account data because the law keeps invoices where a person asked for erasure: one
table for both would force one answer on two questions.
"""

from __future__ import annotations

from sqlalchemy import Column

from genuka_pipelines.demo.schema.columns import key, moment, stamps, table, tenant
from genuka_pipelines.demo.schema.databases import PLATFORM
from genuka_pipelines.demo.schema.types import document, money, token, words

platform_invoices = table(
    "platform_invoices",
    PLATFORM,
    key(),
    tenant(),
    Column("number", words(40), unique=True),
    Column("plan", words(20)),
    moment("period_start"),
    moment("period_end"),
    Column("amount", money()),
    Column("currency", words(3)),
    Column("billing_name", words()),
    Column("billing_email", words()),
    Column("billing_address", document()),
    Column("processor", words(40)),
    Column("processor_reference", words(64)),
    Column("status", words(40)),
    moment("issued_at", index=True),
    moment("paid_at"),
    Column("pdf_key", words()),
    *stamps(),
)

support_access_logs = table(
    "support_access_logs",
    PLATFORM,
    key(),
    tenant(),
    Column("staff_id", token(26)),
    Column("reason", words(40)),
    Column("ticket", words(40)),
    moment("started_at"),
    moment("ended_at", index=True),
    *stamps(),
)
