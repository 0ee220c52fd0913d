"""Shops, their customers, and the addresses of everybody.

Addresses have a polymorphic owner in two spellings and no soft delete; an order's own copies
outlive the customer's link, so who erases a person by `customer_id` alone leaves them behind.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, PrimaryKeyConstraint

from genuka_pipelines.demo.schema.columns import (
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
from genuka_pipelines.demo.schema.databases import TENANT
from genuka_pipelines.demo.schema.types import degree, document, flag, prose, ulid, words

shops = table(
    "shops",
    TENANT,
    key(),
    tenant(),
    Column("name", words()),
    Column("slug", words()),
    Column("currency_code", words(3)),
    Column("currency_name", words(40)),
    Column("description", prose()),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

shop_user = table(
    "shop_user",
    TENANT,
    Column("shop_id", ulid(), nullable=False),
    Column("user_id", ulid(), nullable=False),
    PrimaryKeyConstraint("shop_id", "user_id"),
    index("user_id"),
)

customers = table(
    "customers",
    TENANT,
    key(),
    tenant(),
    Column("first_name", words()),
    Column("last_name", words()),
    Column("email", words(), index=True),
    Column("phone", words(40), index=True),
    Column("gender", words(10)),
    Column("birthdate", Date()),
    Column("type", words(40)),
    Column("company_name", words()),
    Column("registration_number", words(64)),
    Column("tax_number", words(64)),
    Column("preferred_language", words(10)),
    moment("last_activity"),
    metadata_(),
    Column("custom_fields", document()),
    Column("password", words()),
    *stamps(),
    *soft_delete(),
)

customer_shop = table(
    "customer_shop",
    TENANT,
    Column("customer_id", ulid(), nullable=False),
    Column("shop_id", ulid(), nullable=False),
    PrimaryKeyConstraint("customer_id", "shop_id"),
    index("shop_id"),
)

addresses = table(
    "addresses",
    TENANT,
    key(),
    Column("addressable_type", words(120)),
    ref("addressable_id", index=True),
    tenant(),
    Column("label", words()),
    Column("first_name", words()),
    Column("last_name", words()),
    Column("phone", words(40)),
    Column("email", words()),
    Column("company", words()),
    Column("line1", prose()),
    Column("line2", prose()),
    Column("city", words()),
    Column("state", words()),
    Column("postal_code", words(20)),
    Column("country", words()),
    Column("latitude", degree()),
    Column("longitude", degree()),
    Column("is_primary", flag()),
    Column("is_billing", flag()),
    Column("is_shipping", flag()),
    metadata_(),
    *stamps(),
)

reviews = table(
    "reviews",
    TENANT,
    key(),
    tenant(),
    Column("reviewable_type", words(120)),
    ref("reviewable_id"),
    ref("reviewer_id", index=True),
    Column("customer", document()),
    Column("content", prose()),
    Column("source", words(40)),
    Column("status", words(40)),
    moment("published_at"),
    metadata_(),
    *stamps(),
)
