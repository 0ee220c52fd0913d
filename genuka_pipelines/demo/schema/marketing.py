"""Events, newsletters, contact forms, and the refusals that must outlive them all.

A refusal is kept as a hash, apart from the person it concerns: were it a column of the subscriber,
erasing the subscriber would erase the refusal, and the next campaign would write to them again.
"""

from __future__ import annotations

from sqlalchemy import Column

from genuka_pipelines.demo.schema.columns import key, moment, ref, stamps, table, tenant
from genuka_pipelines.demo.schema.databases import PLATFORM
from genuka_pipelines.demo.schema.types import document, prose, token, words

newsletter_subscribers = table(
    "newsletter_subscribers",
    PLATFORM,
    key(),
    tenant(),
    Column("email", words(), index=True),
    Column("first_name", words()),
    Column("last_name", words()),
    Column("locale", words(10)),
    Column("source", words(40)),
    moment("subscribed_at"),
    moment("unsubscribed_at", index=True),
    Column("unsubscribe_token", token(64)),
    *stamps(),
)

marketing_opt_outs = table(
    "marketing_opt_outs",
    PLATFORM,
    key(),
    Column("subject_type", words(120)),
    ref("subject_id"),
    Column("email_hash", token(64), index=True),
    Column("phone_hash", token(64), index=True),
    Column("channel", words(20)),
    Column("reason", words(60)),
    moment("opted_out_at"),
    *stamps(),
)

events = table(
    "events",
    PLATFORM,
    key(),
    Column("title", words()),
    Column("description", prose()),
    Column("city", words()),
    Column("country", words(2)),
    moment("starts_at"),
    moment("ended_at", index=True),
    moment("published_at"),
    *stamps(),
)

event_partners = table(
    "event_partners",
    PLATFORM,
    key(),
    ref("event_id", index=True),
    Column("name", words()),
    Column("role", words(20)),
    Column("contact_email", words()),
    *stamps(),
)

event_registrations = table(
    "event_registrations",
    PLATFORM,
    key(),
    ref("event_id", index=True),
    Column("name", words()),
    Column("email", words(), index=True),
    Column("phone", words(40)),
    Column("company_name", words()),
    Column("shared_with", document()),
    moment("objected_at"),
    *stamps(),
)

contact_requests = table(
    "contact_requests",
    PLATFORM,
    key(),
    Column("name", words()),
    Column("email", words(), index=True),
    Column("phone", words(40)),
    Column("company_name", words()),
    Column("postal_address", prose()),
    Column("subject", words(60)),
    Column("message", prose()),
    moment("handled_at", index=True),
    *stamps(),
)
