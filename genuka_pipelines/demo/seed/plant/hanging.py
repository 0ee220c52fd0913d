"""What hangs on a row that is overdue, by a key that no foreign key guards: files, traces, choices, sessions.

None of it is overdue by a date of its own; a sweep that follows `company_id` and dates alone leaves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genuka_pipelines.demo.seed.files import PNG, SIZES
from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.overdue import OVERDUE
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import GENUKA

_YEAR = 365.25
# (table, the column by which the row hangs, the rest of the row)
_Hung = tuple[str, str, dict[str, Any]]
_MODELS = {
    "Shop": ("addresses",),
    "Warehouse": ("addresses",),
    "Customer": ("addresses", "media", "activity_log", "taggables"),
    "Product": ("media", "activity_log", "taggables", "reviews"),
    "Order": ("addresses", "media", "activity_log", "taggables"),
    "Invoice": ("media", "activity_log"),
    "Bill": ("activity_log",),
    "User": ("activity_log",),
    "Company": ("addresses", "media"),
}


def plant(bed: Bed, here: Tenant) -> None:
    """Something on everything that a tenant or a person deleted, and on a tenant gone for twelve years."""
    for table, model, values in _deleted(bed, here):
        row = {**here.own, **values, "deleted_at": bed.ago(60)}
        key = bed.plant(OVERDUE, (GENUKA, table, "deleted_at"), row, age=61)
        _hang(bed, here, [*_by_model(here, model, key), *_by_name(bed, here, model, key)])
    for column, days in (("unsubscribed_at", 60.0), ("subscribed_at", 3.2 * _YEAR)):
        reader = {"email": bed.person()["email"], "unsubscribe_token": f"planted-{column}", column: bed.ago(days)}
        key = bed.plant(OVERDUE, (GENUKA, "newsletter_subscribers", column), reader, age=days)
        _hang(bed, here, [_refusal("newsletter_subscriber", key)])
    _long_gone(bed, here)


def _deleted(bed: Bed, here: Tenant) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "shops", "Shop", {"name": "Boutique d'angle"}
    yield "warehouses", "Warehouse", {"name": "Ancien dépôt"}
    yield "customers", "Customer", bed.person()
    yield "products", "Product", {"title": "Produit oublié"}
    yield "orders", "Order", {"reference": "#ORDER_9006", "currency": "XAF"}
    yield "invoices", "Invoice", {"order_id": here.order, "reference": "#INV_9003"}
    yield "bills", "Bill", {"reference": "#BILL_9002"}
    yield "users", "User", {**bed.person(), "role": "employee"}


def _long_gone(bed: Bed, here: Tenant) -> None:
    """The register's row, too, is overdue; the company's own rows hang on it."""
    age, ended = 14 * _YEAR, bed.ago(12 * _YEAR)
    handle = f"planted-{bed.ulid(age)}"
    former = {"name": "Maison fermée", "handle": handle, "currency_code": "XAF", "country_code": "CM"}
    company = bed.plant(OVERDUE, (GENUKA, "companies", "id"), former, age=age)
    register = {"company_id": company, "mode": "shared", "plan": "LIGHT", "subscription_ended_at": ended}
    bed.plant(OVERDUE, (GENUKA, "tenant_databases", "subscription_ended_at"), register, age=age)
    _hang(bed, here, _by_model(here, "Company", company), {"company_id": company})
    person = {"company_id": company, **bed.person(), "role": "admin"}
    user = bed.plant(OVERDUE, (GENUKA, "users", "company_id"), person, age=age)
    _hang(bed, here, [*_by_model(here, "User", user), *_by_name(bed, here, "User", user)])


def _hang(bed: Bed, here: Tenant, hung: Iterator[_Hung] | list[_Hung], own: Mapping[str, str] | None = None) -> None:
    for table, column, values in hung:
        held = bed.bases[GENUKA].tables[table].c
        mine = (own or here.own) if "company_id" in held else {}
        bed.plant(OVERDUE, (GENUKA, table, column), {**mine, **values}, age=2)


def _by_model(here: Tenant, model: str, key: str) -> Iterator[_Hung]:
    """By a polymorphic owner, in its long spelling."""
    kind = f"App\\Models\\{model}"
    picture = {"file_name": "reste.png", "mime_type": PNG, "size": SIZES[PNG], "generated_conversions": []}
    rest: dict[str, tuple[str, str, dict[str, Any]]] = {
        "addresses": ("addressable_id", "addressable_type", {"city": "Douala"}),
        "media": ("model_id", "model_type", picture),
        "activity_log": ("subject_id", "subject_type", {"event": "updated", "properties": {"old": {"note": "x"}}}),
        "reviews": ("reviewable_id", "reviewable_type", {"reviewer_id": here.customer, "customer": []}),
    }
    for table in _MODELS[model]:
        if table in rest:
            column, spelled, values = rest[table]
            yield table, column, {column: key, spelled: kind, **values}


def _by_name(bed: Bed, here: Tenant, model: str, key: str) -> Iterator[_Hung]:
    """By a column called after the table, and the tags, whose own row is the tenant's."""
    if "taggables" in _MODELS[model]:
        tag = bed.add(GENUKA, "tags", {**here.own, "name": "VIP"}, age=61)
        yield "taggables", "taggable_id", {"tag_id": tag, "taggable_type": f"App\\Models\\{model}", "taggable_id": key}
    if model == "Shop":
        yield "customer_shop", "shop_id", {"customer_id": here.customer, "shop_id": key}
    elif model == "Customer":
        wrote = {"reviewer_id": key, "reviewable_type": "App\\Models\\Product", "reviewable_id": here.product}
        yield "reviews", "reviewer_id", {**wrote, "customer": [], "content": "Très bon savon"}
        yield "orders", "customer_id", {"customer_id": key, "reference": "#ORDER_9007", "currency": "XAF"}
        bought = bed.add(GENUKA, "orders", {**here.own, "customer_id": key, "reference": "#ORDER_9008"}, age=50)
        yield from _of_order(bed, here, bought)
    elif model == "Order":
        yield from _of_order(bed, here, key)
    elif model == "User":
        now = bed.recipe.now
        session = {"id": f"planted-{key}", "user_id": key, "payload": "", "last_activity": now - 3600}
        yield "sessions", "user_id", {**session, "created_at": bed.ago(1)}
        seen = {"started_at": bed.ago(1), "ended_at": bed.ago(1), "distinct_id": key}
        yield "session_recordings", "user_id", {"id": f"planted-{key}", "user_id": key, **seen}
        yield "cookie_consents", "user_id", {"user_id": key, "granted_at": bed.ago(3), "categories": []}
        yield "shop_user", "user_id", {"shop_id": here.shop, "user_id": key}
        yield _refusal("App\\Models\\User", key)


def _of_order(bed: Bed, here: Tenant, order: str) -> Iterator[_Hung]:
    yield "deliveries", "order_id", {"order_id": order, "tracking_url": "https://suivi.example/1"}
    yield "returns", "order_id", {"order_id": order, "comment": "Cassé"}
    back = bed.add(GENUKA, "returns", {**here.own, "order_id": order, "comment": "Trop grand"}, age=50)
    yield "return_items", "return_id", {"return_id": back, "comment": "Taille"}


def _refusal(kind: str, key: str) -> _Hung:
    refused = {"subject_type": kind, "subject_id": key, "email_hash": "b" * 64, "channel": "email"}
    return "marketing_opt_outs", "subject_id", refused
