"""Genletter's own database: accounts, profiles, billing, chat, cookie choices.

It stands apart because its policy does: no backup clause, no third country, other purposes. In one
database with Genuka's, its rows would silently fall under promises that were never made to them.
"""

from __future__ import annotations

from sqlalchemy import Column

from genuka_pipelines.demo.schema.columns import key, moment, ref, soft_delete, stamps, table
from genuka_pipelines.demo.schema.databases import GENLETTER
from genuka_pipelines.demo.schema.types import document, flag, money, prose, token, words

accounts = table(
    "accounts",
    GENLETTER,
    key(),
    Column("name", words()),
    Column("email", words(), index=True),
    Column("password", words()),
    Column("locale", words(10)),
    moment("email_verified_at"),
    moment("last_login_at"),
    moment("marketing_objected_at"),
    moment("closed_at", index=True),
    *stamps(),
    *soft_delete(),
)

user_profiles = table(
    "user_profiles",
    GENLETTER,
    key(),
    ref("account_id", index=True),
    Column("name", words()),
    Column("photo_key", words()),
    Column("preferences", document()),
    *stamps(),
)

billing_invoices = table(
    "billing_invoices",
    GENLETTER,
    key(),
    ref("account_id", index=True),
    Column("number", words(40), unique=True),
    Column("billing_name", words()),
    Column("billing_address", document()),
    Column("amount", money()),
    Column("currency", words(3)),
    Column("processor", words(40)),
    Column("processor_reference", words(64)),
    Column("status", words(40)),
    moment("issued_at", index=True),
    moment("paid_at"),
    *stamps(),
)

chat_conversations = table(
    "chat_conversations",
    GENLETTER,
    key(),
    ref("account_id", index=True),
    Column("visitor_id", token(64)),
    Column("device_id", token(64)),
    Column("provider", words(20)),
    Column("page_url", words(500)),
    Column("browser", words(60)),
    Column("platform", words(60)),
    moment("started_at", index=True),
    moment("closed_at", index=True),
    *stamps(),
)

chat_messages = table(
    "chat_messages",
    GENLETTER,
    key(),
    ref("conversation_id", index=True),
    Column("author", words(20)),
    Column("body", prose()),
    moment("sent_at", index=True),
    *stamps(),
)

cookie_consents = table(
    "cookie_consents",
    GENLETTER,
    key(),
    ref("account_id", index=True),
    Column("anonymous_id", token(64), index=True),
    Column("ip_truncated", words(45)),
    Column("categories", document()),
    Column("do_not_track", flag()),
    Column("policy_version", words(20)),
    moment("granted_at"),
    moment("refused_at"),
    moment("withdrawn_at"),
    *stamps(),
)
