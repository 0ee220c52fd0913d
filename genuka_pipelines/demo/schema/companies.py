"""Companies, their users, plans and databases: the account data of the platform.

Names hide where no column says so (`companies.metadata`, a token's `name`), and the plan lives in
another table than the company: an inventory by column name would miss both.
"""

from __future__ import annotations

from sqlalchemy import Column, Date

from genuka_pipelines.demo.schema.columns import (
    counter,
    index,
    key,
    metadata_,
    moment,
    ref,
    soft_delete,
    stamps,
    table,
    tenant,
)
from genuka_pipelines.demo.schema.databases import PLATFORM
from genuka_pipelines.demo.schema.types import document, flag, prose, token, ulid, words

companies = table(
    "companies",
    PLATFORM,
    key(),
    Column("name", words()),
    Column("handle", words(), unique=True),
    Column("type", words(40)),
    Column("company_code", words(16)),
    Column("description", prose()),
    Column("currency_code", words(3)),
    Column("currency_name", words(40)),
    Column("country_code", words(2)),
    metadata_(),
    Column("variables", document()),
    *stamps(),
    index("created_at"),
)

company_onboardings = table(
    "company_onboardings",
    PLATFORM,
    counter(),
    tenant(),
    Column("step", words(60)),
    moment("started_at"),
    moment("finished_at"),
    metadata_(),
    *stamps(),
)

genuka_subscriptions = table(
    "genuka_subscriptions",
    PLATFORM,
    key(),
    tenant(),
    Column("plan", words(20)),
    Column("lookup_key", words(64)),
    Column("status", words(40)),
    moment("started_at"),
    moment("trial_ends_at"),
    moment("cancelled_at"),
    moment("ended_at", index=True),
    *stamps(),
)

tenant_databases = table(
    "tenant_databases",
    PLATFORM,
    Column("company_id", ulid(), primary_key=True),
    Column("mode", words(20)),
    Column("plan", words(20)),
    Column("dsn_secret_ref", words(64)),
    moment("last_used_at", index=True),
    moment("subscription_ended_at", index=True),
    moment("deletion_requested_at"),
    moment("dropped_at"),
    *stamps(),
)

company_consents = table(
    "company_consents",
    PLATFORM,
    key(),
    tenant(),
    Column("purpose", words(60)),
    moment("granted_at"),
    moment("withdrawn_at"),
    *stamps(),
)

users = table(
    "users",
    PLATFORM,
    key(),
    tenant(),
    Column("first_name", words()),
    Column("last_name", words()),
    Column("email", words(), index=True),
    Column("phone", words(40)),
    Column("birthdate", Date()),
    Column("role", words(40)),
    Column("permissions", document()),
    Column("opt_in", flag()),
    Column("pin_enabled", flag()),
    Column("pin", words()),
    Column("password", words()),
    Column("remember_token", words(100)),
    moment("last_activity"),
    moment("last_login_at"),
    Column("last_login_ip", words(45)),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

oauth_access_tokens = table(
    "oauth_access_tokens",
    PLATFORM,
    Column("id", token(100), primary_key=True),
    ref("user_id", index=True),
    Column("client_id", token(36)),
    Column("name", words()),
    Column("scopes", document()),
    Column("revoked", flag()),
    moment("expires_at", index=True),
    *stamps(),
)

password_reset_tokens = table(
    "password_reset_tokens",
    PLATFORM,
    Column("email", words(), primary_key=True),
    Column("token", words()),
    moment("created_at", index=True),
)
