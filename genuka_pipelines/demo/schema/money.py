"""The tenant's own invoices, bills, payments and accounts.

A payment's owner is an invoice or a bill, never an order, and its method is a slug or the ULID of a
treasury account: the path from a person to a payment passes through both.
"""

from __future__ import annotations

from sqlalchemy import Column

from genuka_pipelines.demo.schema.columns import (
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
from genuka_pipelines.demo.schema.types import document, flag, money, tiny, words

invoices = table(
    "invoices",
    TENANT,
    key(),
    tenant(),
    ref("shop_id"),
    ref("order_id", index=True),
    ref("user_id"),
    Column("reference", words(64)),
    Column("amount", money()),
    Column("currency_code", words(3)),
    Column("status", words(40)),
    Column("is_deposit", flag()),
    Column("is_final", flag()),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

bills = table(
    "bills",
    TENANT,
    key(),
    tenant(),
    ref("shop_id"),
    ref("user_id"),
    ref("supplier_id", index=True),
    Column("reference", words(64)),
    Column("amount", money()),
    Column("currency", words(3)),
    Column("status", words(40)),
    Column("state", tiny()),
    Column("source", words(40)),
    Column("expense_type", words(40)),
    Column("credit_code", words(20)),
    Column("debit_code", words(20)),
    moment("due_date"),
    moment("paid_at"),
    Column("billing", document()),
    Column("shipping", document()),
    Column("items", document()),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

payments = table(
    "payments",
    TENANT,
    key(),
    tenant(),
    ref("user_id"),
    Column("payable_type", words(120)),
    ref("payable_id", index=True),
    ref("address_id"),
    ref("treasury_account_id"),
    Column("type", words(40)),
    Column("method", words(40)),
    Column("reference", words(64)),
    Column("amount", money()),
    Column("currency_code", words(3)),
    Column("status", words(40)),
    moment("due_date"),
    moment("paid_at"),
    metadata_(),
    *stamps(),
    *soft_delete(),
)

payment_methods = table(
    "payment_methods",
    TENANT,
    key(),
    tenant(),
    Column("name", words()),
    Column("processor", words(40)),
    Column("status", tiny()),
    ref("treasury_account_id"),
    Column("account_id", words(64)),
    Column("configurations", document()),
    metadata_(),
)

treasury_accounts = table(
    "treasury_accounts",
    TENANT,
    key(),
    tenant(),
    ref("shop_id"),
    Column("label", words()),
    Column("type", words(40)),
    Column("accounting_account_code", words(20)),
    Column("balance", money()),
    metadata_(),
    *stamps(),
)
