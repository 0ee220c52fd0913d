"""Orders, what they hold, where they go and what comes back.

`created_at` is whatever the caller said, sometimes days before the ULID was made, and shipping and
billing are documents inside the row: a rule that trusts one date, or reads columns only, is wrong.
"""

from __future__ import annotations

from sqlalchemy import Column

from genuka_pipelines.demo.schema.columns import (
    counter,
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
from genuka_pipelines.demo.schema.types import document, money, prose, quantity, tiny, words

orders = table(
    "orders",
    TENANT,
    key(),
    tenant(),
    ref("shop_id"),
    ref("user_id"),
    ref("customer_id", index=True),
    Column("reference", words(64)),
    Column("status", words(40)),
    Column("state", tiny()),
    Column("currency", words(3)),
    Column("amount", money()),
    Column("source", words(40)),
    Column("revenue_type", words(40)),
    Column("credit_code", words(20)),
    Column("debit_code", words(20)),
    moment("due_at"),
    moment("expires_at"),
    ref("shipping_fee_id"),
    ref("pickup_location_id"),
    ref("calendar_event_id"),
    Column("signature", words()),
    Column("shipping", document()),
    Column("billing", document()),
    metadata_(),
    Column("custom_fields", document()),
    *stamps(),
    *soft_delete(),
)

order_product = table(
    "order_product",
    TENANT,
    counter(),
    ref("order_id", index=True),
    ref("product_id"),
    ref("variant_id"),
    ref("service_id"),
    Column("price", money()),
    Column("quantity", quantity()),
    metadata_(),
    *stamps(),
)

deliveries = table(
    "deliveries",
    TENANT,
    key(),
    ref("order_id", index=True),
    ref("invoice_id"),
    tenant(),
    ref("user_id"),
    ref("address_id"),
    Column("status", words(40)),
    Column("mode", words(40)),
    moment("scheduled_at"),
    moment("starts_at"),
    moment("ends_at"),
    Column("tracking_number", words(64)),
    Column("tracking_url", words(500)),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

returns = table(
    "returns",
    TENANT,
    key(),
    tenant(),
    ref("order_id", index=True),
    Column("comment", prose()),
    moment("return_date"),
    Column("status", words(40)),
    *stamps(),
)

return_items = table(
    "return_items",
    TENANT,
    key(),
    ref("return_id", index=True),
    ref("variant_id"),
    Column("quantity", quantity()),
    Column("reason", words(40)),
    Column("comment", prose()),
    *stamps(),
)
