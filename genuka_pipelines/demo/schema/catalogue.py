"""What a tenant sells and what it has in store.

Variants, services and stock lines carry no company: their tenant is one, two or three joins away,
and a pipeline that only knows `company_id` would leave them behind.
"""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint

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
from genuka_pipelines.demo.schema.databases import TENANT
from genuka_pipelines.demo.schema.types import document, flag, money, number, prose, quantity, serial, ulid, words

products = table(
    "products",
    TENANT,
    key(),
    tenant(),
    Column("title", words(), nullable=False),
    Column("handle", words()),
    Column("content", prose()),
    Column("type", words(40)),
    Column("published", flag()),
    Column("vendor", words()),
    ref("supplier_id"),
    Column("is_shippable", flag()),
    Column("is_taxable", flag()),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

product_variants = table(
    "product_variants",
    TENANT,
    key(),
    ref("product_id", index=True),
    Column("title", words()),
    Column("price", money()),
    Column("compare_at_price", money()),
    Column("position", number()),
    Column("sku", words(64)),
    Column("barcode", words(64)),
    Column("taxable", flag()),
    Column("follow_stock", flag()),
    Column("min_order_quantity", number()),
    Column("options", document()),
    Column("image_id", serial()),
    Column("whatsapp_product_id", words(64)),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

services = table(
    "services",
    TENANT,
    key(),
    ref("product_variant_id", index=True),
    Column("duration_minutes", number()),
    Column("buffer_minutes", number()),
    Column("deposit", money()),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

suppliers = table(
    "suppliers",
    TENANT,
    key(),
    tenant(),
    Column("company_name", words()),
    Column("first_name", words()),
    Column("last_name", words()),
    Column("email", words()),
    Column("phone", words(40)),
    metadata_(),
    *stamps(),
)

warehouses = table(
    "warehouses",
    TENANT,
    key(),
    tenant(),
    Column("name", words()),
    Column("description", prose()),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

stocks = table(
    "stocks",
    TENANT,
    key(),
    tenant(),
    ref("product_variant_id", index=True),
    Column("title", words()),
    Column("quantity", quantity()),
    Column("quantity_alert", quantity()),
    *stamps(),
)

stock_warehouse = table(
    "stock_warehouse",
    TENANT,
    counter(),
    ref("stock_id", index=True),
    ref("warehouse_id"),
    Column("quantity", quantity()),
    Column("batch_number", words(64)),
    moment("production_date"),
    moment("expiration_date"),
    metadata_(),
    *stamps(),
)

tags = table(
    "tags",
    TENANT,
    key(),
    tenant(),
    Column("name", words()),
    Column("taggable_type", words(120)),
    ref("taggable_id"),
    *stamps(),
)

taggables = table(
    "taggables",
    TENANT,
    Column("tag_id", ulid(), nullable=False),
    Column("taggable_type", words(120), nullable=False),
    Column("taggable_id", ulid(), nullable=False),
    *stamps(),
    PrimaryKeyConstraint("tag_id", "taggable_id", "taggable_type"),
    index("taggable_id"),
)
