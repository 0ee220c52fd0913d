"""Two ordinary tenants to plant in: with everything a row may refer to, and nothing wrong yet.

Planting in seeded tenants would depend on what chance gave them; these two are there at any size,
even that of a single company.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.values import GENUKA

_AGE = 40.0


@dataclass(frozen=True)
class Tenant:
    """The keys of a tenant's rows in the shared databases."""

    company: str
    user: str
    shop: str
    customer: str
    product: str
    variant: str
    order: str
    invoice: str

    @property
    def own(self) -> dict[str, str]:
        """What says that a row is this tenant's."""
        return {"company_id": self.company}


def tenants(bed: Bed) -> tuple[Tenant, Tenant]:
    """A tenant that opted in to analytics, so that its texts may be read, and one that never answered."""
    here, there = _tenant(bed, "Éts Témoin"), _tenant(bed, "Maison d'à côté")
    consent = {**here.own, "purpose": "analytics", "granted_at": bed.ago(_AGE)}
    bed.add(GENUKA, "company_consents", consent, age=_AGE)
    return here, there


def _tenant(bed: Bed, name: str) -> Tenant:
    def add(table: str, values: Mapping[str, Any]) -> str:
        return bed.add(GENUKA, table, values, age=_AGE)

    company = add(
        "companies",
        {
            "name": name,
            "handle": f"planted-{bed.ulid(_AGE)}",
            "type": "business",
            "currency_code": "XAF",
            "country_code": "CM",
            "metadata": [],
        },
    )
    own = {"company_id": company}
    add("tenant_databases", {**own, "mode": "shared", "plan": "LIGHT", "last_used_at": bed.ago(1)})
    user = add("users", {**own, **bed.person(), "role": "admin"})
    shop = add("shops", {**own, "name": name, "currency_code": "XAF"})
    customer = add("customers", {**own, **bed.person(), "type": "individual"})
    product = add("products", {**own, "title": "Savon noir"})
    variant = add("product_variants", {"product_id": product, "price": 1200})
    sold = {**own, "shop_id": shop, "amount": 1200}
    order = add("orders", {**sold, "customer_id": customer, "reference": "#ORDER_1001", "currency": "XAF"})
    add("order_product", {"order_id": order, "product_id": product, "variant_id": variant, "quantity": 1})
    invoice = add("invoices", {**sold, "order_id": order, "reference": "#INV_1001", "currency_code": "XAF"})
    return Tenant(company, user, shop, customer, product, variant, order, invoice)
