"""What browsers leave behind: logs, sessions, recordings, analytics cookies.

Browser logs carry no user, so that they can be analysed without a link to anyone; sessions carry
Laravel's Unix `last_activity` and, unlike Laravel's, a `created_at`, without which "three months"
could not be computed.
"""

from __future__ import annotations

from sqlalchemy import Column

from genuka_pipelines.demo.schema.columns import counter, key, moment, ref, stamps, table, tenant
from genuka_pipelines.demo.schema.databases import PLATFORM
from genuka_pipelines.demo.schema.types import blob_text, document, flag, number, prose, token, words

browser_logs = table(
    "browser_logs",
    PLATFORM,
    counter(),
    tenant(),
    Column("ip_address", words(45)),
    moment("visited_at", index=True),
    Column("browser", words(60)),
    Column("browser_version", words(40)),
    Column("platform", words(60)),
    Column("language", words(20)),
    Column("country", words(2)),
    Column("city", words(120)),
    Column("referrer_url", prose()),
    moment("legal_hold_at"),
)

sessions = table(
    "sessions",
    PLATFORM,
    Column("id", token(255), primary_key=True),
    ref("user_id", index=True),
    Column("ip_address", words(45)),
    Column("user_agent", prose()),
    Column("payload", blob_text()),
    Column("last_activity", number(), index=True),
    moment("created_at", index=True),
)

session_recordings = table(
    "session_recordings",
    PLATFORM,
    Column("id", token(200), primary_key=True),
    tenant(),
    ref("user_id", index=True),
    Column("distinct_id", words(200)),
    moment("started_at", index=True),
    moment("ended_at", index=True),
    moment("delete_requested_at"),
    moment("processed_at"),
    moment("irrelevant_at"),
)

cookie_consents = table(
    "cookie_consents",
    PLATFORM,
    key(),
    ref("user_id", index=True),
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

page_views = table(
    "page_views",
    PLATFORM,
    counter(),
    tenant(),
    Column("anonymous_id", token(64), index=True),
    Column("path", words(500)),
    Column("referrer_host", words()),
    Column("language", words(20)),
    Column("country", words(2)),
    Column("do_not_track", flag()),
    moment("viewed_at", index=True),
)
