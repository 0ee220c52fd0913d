"""Rows that belong to no tenant, and rows that reach into another tenant's."""

from __future__ import annotations

from typing import Any

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import GENUKA

LOST = "without_tenant"
CROSSED = "cross_tenant"


def plant(bed: Bed, here: Tenant, there: Tenant) -> None:
    """Lost and crossing rows by column, by path and by polymorphic owner."""
    nobody = bed.ulid(30)
    lost: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("customers", "company_id", bed.person()),
        ("orders", "company_id", {"reference": "#ORDER_9002", "currency": "XAF"}),
        ("order_product", "order_id", {"order_id": nobody, "quantity": 1}),
        ("product_variants", "product_id", {"product_id": nobody, "price": 100}),
        ("stock_warehouse", "stock_id", {"stock_id": nobody, "quantity": 1}),
        ("services", "product_variant_id", {"product_variant_id": nobody}),
        ("return_items", "return_id", {"return_id": nobody, "quantity": 1}),
        ("activity_log", "subject_id", {"subject_type": "customer", "subject_id": nobody}),
    )
    for table, column, values in lost:
        bed.plant(LOST, (GENUKA, table, column), values)
    for table, column, values in _crossing(here, there):
        bed.plant(CROSSED, (GENUKA, table, column), values)
    for ref in bed.dedicated[:1]:
        bed.plant(CROSSED, (ref, "customers", "company_id"), {**there.own, **bed.person()})
        bed.plant(LOST, (ref, "orders", "company_id"), {"reference": "#ORDER_9001", "currency": "XAF"})


def _crossing(here: Tenant, there: Tenant) -> tuple[tuple[str, str, dict[str, Any]], ...]:
    order = {**here.own, "currency": "XAF"}
    payment = {**here.own, "currency_code": "XAF", "reference": "PCASH_9001"}
    line = {"order_id": here.order, "product_id": here.product, "quantity": 1}
    return (
        ("orders", "customer_id", {**order, "reference": "#ORDER_9003", "customer_id": there.customer}),
        ("orders", "shop_id", {**order, "reference": "#ORDER_9004", "shop_id": there.shop}),
        ("order_product", "variant_id", {**line, "variant_id": there.variant}),
        ("deliveries", "order_id", {**here.own, "order_id": there.order, "status": "delivered"}),
        ("invoices", "order_id", {**here.own, "order_id": there.order, "reference": "#INV_9001"}),
        (
            "payments",
            "payable_id",
            {**payment, "payable_type": "App\\Models\\Invoice", "payable_id": there.invoice},
        ),
        (
            "addresses",
            "addressable_id",
            {**here.own, "addressable_type": "customer", "addressable_id": there.customer},
        ),
        ("customer_shop", "shop_id", {"customer_id": here.customer, "shop_id": there.shop}),
    )
