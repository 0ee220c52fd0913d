"""Files, traces and hooks that hang on other rows by a polymorphic owner.

One media row is up to five objects elsewhere, an activity row keeps the values an erasure removed,
and neither says its company: they are reached through their owner or not at all.
"""

from __future__ import annotations

from sqlalchemy import Column

from genuka_pipelines.demo.schema.columns import (
    counter,
    index,
    key,
    metadata_,
    moment,
    ref,
    stamps,
    table,
    tenant,
)
from genuka_pipelines.demo.schema.databases import TENANT
from genuka_pipelines.demo.schema.types import document, flag, number, prose, serial, token, words

media = table(
    "media",
    TENANT,
    counter(),
    Column("model_type", words(120)),
    ref("model_id", index=True),
    Column("collection_name", words(120)),
    Column("file_name", words()),
    Column("mime_type", words(120)),
    Column("size", serial()),
    Column("generated_conversions", document()),
    *stamps(),
)

activity_log = table(
    "activity_log",
    TENANT,
    counter(),
    Column("log_name", words(120)),
    Column("description", prose()),
    Column("subject_type", words(120)),
    ref("subject_id", index=True),
    Column("causer_type", words(120)),
    ref("causer_id", index=True),
    Column("event", words(40)),
    Column("properties", document()),
    Column("batch_uuid", token(36)),
    *stamps(),
    index("created_at"),
)

webhooks = table(
    "webhooks",
    TENANT,
    key(),
    tenant(),
    Column("name", words()),
    Column("url", words(500)),
    Column("events", document()),
    Column("secret", words()),
    Column("description", prose()),
    Column("is_active", flag()),
    Column("failure_count", number()),
    moment("last_triggered_at"),
    metadata_(),
    *stamps(),
)
