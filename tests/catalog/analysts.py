"""A smallest deployment with tables for analysts: browsers and people, apart, to be linked by a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.load import load_catalog
from tests.catalog.deployment import CATEGORY, COMPONENT, facts, write

PRIVACY = "analytics/privacy/defs.yaml"
PEOPLE = "analytics/bills_monthly/defs.yaml"
BROWSERS = "analytics/visits_daily/defs.yaml"
SITE = "shop/site/defs.yaml"
MONEY = "shop/money/defs.yaml"


def _words(text: str) -> dict[str, str]:
    return {"fr": text, "en": text}


def _category(**tables: Any) -> dict[str, Any]:
    raw: dict[str, Any] = facts()[CATEGORY]
    raw["attributes"]["tables"] = tables
    return raw


def _table(columns: dict[str, str], since: str, staging: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "columns": columns,
        "retention": [{"keep": "P12M", "since": since, "clause": "SH-01"}],
        "staging": {"purpose": "improve", **staging},
        **more,
    }


def analysts() -> dict[str, Any]:
    """The facts, which load."""
    visits = _table(
        {
            "id": "system.operations",
            "company_id": "tenant",
            "ip": "user.device.ip_address",
            "agent": "user.device.user_agent",
            "cookie": "user.device.cookie_id",
            "url": "user.behavior.browsing_history",
            "city": "user.contact.address.city",
            "country": "user.location.imprecise",
            "at": "user.behavior.browsing_history",
        },
        "at",
        {
            "family": "browser",
            "columns": {
                "device_day": {"device_day": ["ip", "agent"]},
                "day": {"day": "at"},
                "country": "country",
                "city": "city",
                "host": {"host": "url"},
            },
        },
        tenant="company_id",
    )
    bills = _table(
        {
            "id": "system.operations",
            "company_id": "tenant",
            "amount": "user.order",
            "currency": "user.order",
            "plan": "tenant.subscription",
            "issued_at": "system.operations",
        },
        "issued_at",
        {
            "columns": {
                "company": {"pseudonym": "company_id"},
                "bill": {"pseudonym": "id"},
                "month": {"month": "issued_at"},
                "day": {"day": "issued_at"},
                "plan": "plan",
                "raw": "amount",
                "amount": {"minor_units": ["amount", "currency"]},
            }
        },
        tenant="company_id",
    )
    known = facts()
    for word in (
        "tenant",
        "tenant.subscription",
        "user.order",
        "user.device.user_agent",
        "user.behavior.session_replay",
    ):
        known["vocabulary/defs.yaml"]["attributes"]["classifications"][word] = _words(word)
    table = {"title": _words("Table"), "question": _words("How many?"), "purpose": "improve", "groups": 1}
    return {
        **known,
        SITE: _category(visits=visits),
        MONEY: _category(bills=bills),
        PRIVACY: {
            "type": COMPONENT + "Privacy",
            "attributes": {
                "title": _words("Budgets"),
                "begins": "2026-01-01",
                "units": {
                    "company": {"title": _words("Company"), "year": {"epsilon": 4, "delta": 1e-6}},
                    "device": {"title": _words("Device"), "family": "browser", "year": {"epsilon": 1}, "keyed": 14},
                },
                "keys": {"plans": ["LIGHT", "PRO", "other"], "thousand": [f"k{number}" for number in range(1000)]},
                "clauses": {"unlinked": ["SH-01"]},
            },
        },
        PEOPLE: {
            "type": COMPONENT + "AnonymisedTable",
            "attributes": {
                **table,
                "category": "shop/money",
                "table": "bills",
                "unit": "company",
                "protects": "company",
                "period": {"every": "month", "of": "month"},
                "dimensions": {"plan": {"title": _words("Plan"), "keys": "plans"}},
                "measures": {"value_sum": {"sum": "amount", "between": [0, 100], "title": _words("Amount")}},
                "budget": {"epsilon": 0.5, "delta": 1e-8},
            },
        },
        BROWSERS: {
            "type": COMPONENT + "AnonymisedTable",
            "attributes": {
                **table,
                "category": "shop/site",
                "table": "visits",
                "unit": "device_day",
                "protects": "device",
                "once": True,
                "period": {"every": "day", "of": "day"},
                "dimensions": {"country": {"title": _words("Country"), "keys": ["CM", "FR"]}},
                "measures": {"devices": {"units": "all", "title": _words("Devices")}},
                "budget": {"epsilon": 1},
            },
        },
    }


def put(where: dict[str, Any], path: str, value: Any) -> None:
    """Set what stands at a dotted path of some attributes."""
    *parents, last = path.split(".")
    for parent in parents:
        where = where[parent]
    where[last] = value


def loaded(folder: Path, changed: dict[str, Any]) -> Catalog:
    """The catalogue of these facts."""
    # Written out in full: facts use no aliases.
    return load_catalog(write(folder, json.loads(json.dumps(changed))))
