"""What should have gone with something else: a tenant's rows after its subscription, and what a tenant deleted.

A row without a date of its own is overdue when its owner is; a sweep that only looks at a table's
own columns would leave the lines of a deleted order and the token of a closed account behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genuka_pipelines.demo.seed.files import PNG, SIZES
from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.overdue import OVERDUE
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import GENUKA

_YEAR = 365.25
_CUSTOMER = "App\\Models\\Customer"


def plant(bed: Bed, here: Tenant) -> None:
    """A former tenant with a row in every table, and everything that a tenant can delete."""
    _Former(bed).plant()
    _deleted(bed, here)
    for ref in bed.dedicated[:1]:
        gone = {"company_id": bed.tenant_of(ref), **bed.person(), "deleted_at": bed.ago(60)}
        bed.plant(OVERDUE, (ref, "customers", "deleted_at"), gone, age=61)


class _Former:
    """A tenant whose subscription ended six years ago."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self._age = 8 * _YEAR
        self._own: dict[str, Any] = {}

    def plant(self) -> None:
        bed, ended = self._bed, self._bed.ago(6 * _YEAR)
        company = {"name": "Ancienne Maison", "currency_code": "XAF", "country_code": "CM", "metadata": []}
        key = self._add("companies", "id", {**company, "handle": f"planted-{bed.ulid(self._age)}"})
        self._own = {"company_id": key}
        database = {"mode": "shared", "plan": "PRO", "last_used_at": ended, "subscription_ended_at": ended}
        bed.add(GENUKA, "tenant_databases", {**self._own, **database}, age=self._age)
        subscription = {"plan": "PRO", "status": "canceled", "started_at": bed.ago(self._age), "ended_at": ended}
        self._owned("genuka_subscriptions", subscription, "ended_at")
        self._owned("company_onboardings", {"step": "done", "metadata": []})
        self._owned("company_consents", {"purpose": "analytics", "granted_at": bed.ago(self._age)})
        user = self._owned("users", {**bed.person(), "role": "admin"})
        bed.plant(OVERDUE, (GENUKA, "oauth_access_tokens", "user_id"), _token(bed, "planted-former", user))
        self._content(user)

    def _content(self, user: str) -> None:
        shop = self._owned("shops", {"name": "Boutique d'avant"})
        self._add("shop_user", "shop_id", {"shop_id": shop, "user_id": user})
        customer = self._owned("customers", self._bed.person())
        self._add("customer_shop", "customer_id", {"customer_id": customer, "shop_id": shop})
        self._owned("addresses", {"addressable_type": "customer", "addressable_id": customer, "city": "Douala"})
        product = self._owned("products", {"title": "Produit d'avant"})
        variant = self._add("product_variants", "product_id", {"product_id": product})
        self._add("services", "product_variant_id", {"product_variant_id": variant})
        warehouse, stock = self._owned("warehouses", {}), self._owned("stocks", {"product_variant_id": variant})
        self._add("stock_warehouse", "stock_id", {"stock_id": stock, "warehouse_id": warehouse})
        self._owned("suppliers", self._bed.person())
        tag = self._owned("tags", {"name": "VIP"})
        marked = {"tag_id": tag, "taggable_type": _CUSTOMER, "taggable_id": customer}
        self._add("taggables", "tag_id", marked)
        self._owned("reviews", {"reviewable_type": "product", "reviewable_id": product, "customer": []})
        order = self._owned("orders", {"shop_id": shop, "reference": "#ORDER_1001", "currency": "XAF"})
        self._add("order_product", "order_id", {"order_id": order, "variant_id": variant})
        self._owned("deliveries", {"order_id": order})
        back = self._owned("returns", {"order_id": order})
        self._add("return_items", "return_id", {"return_id": back, "variant_id": variant})
        self._owned("invoices", {"order_id": order, "reference": "#INV_1001"})
        self._owned("bills", {"reference": "#BILL_1001"})
        self._owned("payments", {"reference": "PCASH_1001", "currency_code": "XAF"})
        box = self._owned("treasury_accounts", {"label": "Caisse", "type": "cash"})
        self._owned("payment_methods", {"processor": "cash", "treasury_account_id": box})
        self._owned("webhooks", {"url": "https://hooks.example/avant", "events": []})
        log = {"subject_type": _CUSTOMER, "subject_id": customer, "event": "updated", "properties": []}
        self._add("activity_log", "subject_id", log)
        picture = {"model_type": "product", "model_id": product, "file_name": "avant.png", "mime_type": PNG}
        self._add("media", "model_id", {**picture, "size": SIZES[PNG], "generated_conversions": []})

    def _owned(self, table: str, values: Mapping[str, Any], column: str = "company_id") -> str:
        return self._add(table, column, {**self._own, **values})

    def _add(self, table: str, column: str, values: Mapping[str, Any]) -> str:
        return self._bed.plant(OVERDUE, (GENUKA, table, column), values, age=self._age)


def _deleted(bed: Bed, here: Tenant) -> None:
    """Sixty days after a tenant deleted them: each kind of row, and what hangs on it."""

    def gone(table: str, values: Mapping[str, Any]) -> str:
        row = {**values, "deleted_at": bed.ago(60)}
        return bed.plant(OVERDUE, (GENUKA, table, "deleted_at"), row, age=61)

    def with_it(table: str, column: str, values: Mapping[str, Any]) -> str:
        return bed.plant(OVERDUE, (GENUKA, table, column), values, age=61)

    shop = gone("shops", {**here.own, "name": "Boutique fermée"})
    with_it("shop_user", "shop_id", {"shop_id": shop, "user_id": here.user})
    customer = gone("customers", {**here.own, **bed.person()})
    with_it("customer_shop", "customer_id", {"customer_id": customer, "shop_id": here.shop})
    product = gone("products", {**here.own, "title": "Produit retiré"})
    variant = with_it("product_variants", "product_id", {"product_id": product})
    with_it("services", "product_variant_id", {"product_variant_id": variant})
    variant = gone("product_variants", {"product_id": here.product})
    with_it("services", "product_variant_id", {"product_variant_id": variant})
    gone("services", {"product_variant_id": here.variant})
    gone("warehouses", {**here.own, "name": "Dépôt fermé"})
    order = gone("orders", {**here.own, "reference": "#ORDER_9005", "currency": "XAF"})
    with_it("order_product", "order_id", {"order_id": order, "variant_id": here.variant})
    gone("deliveries", {**here.own, "order_id": here.order})
    gone("invoices", {**here.own, "order_id": here.order, "reference": "#INV_9002"})
    gone("bills", {**here.own, "reference": "#BILL_9001"})
    gone("payments", {**here.own, "reference": "PCASH_9002", "currency_code": "XAF"})
    user = gone("users", {**here.own, **bed.person(), "role": "employee"})
    with_it("oauth_access_tokens", "user_id", _token(bed, "planted-closed", user))


def _token(bed: Bed, key: str, user: str) -> dict[str, Any]:
    """A token that is still good by itself."""
    return {"id": key, "user_id": user, "name": "Jeton", "scopes": [], "revoked": False, "expires_at": bed.ago(-300)}
