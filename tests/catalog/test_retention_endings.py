"""What becomes of a row when a row it names is destroyed: decided for every reference, none forgotten."""

from __future__ import annotations

from genuka_pipelines.catalog.links.endings import tables_named
from genuka_pipelines.catalog.vocabulary import is_personal
from tests.catalog.facts import FACTS

DECIDED = """
addresses.addressable_id delete: nobody finds it again without its owner
reviews.reviewable_id delete: nothing is left to review
reviews.reviewer_id delete: its name, contact and text are the shopper's, and nothing else is left of it
taggables.taggable_id delete: a tag says something of whoever bears it
taggables.tag_id kept_with
shop_user.shop_id kept_with
shop_user.user_id delete: a place of work without the worker says nothing
customer_shop.customer_id kept_with
customer_shop.shop_id delete: the same
product_variants.product_id kept_with
services.product_variant_id kept_with
stock_warehouse.stock_id kept_with
order_product.order_id kept_with
return_items.return_id kept_with
orders.customer_id anonymise: the order is in the tenant's accounts
deliveries.order_id anonymise: the courier's round is the tenant's record
returns.order_id anonymise: what came back is in the tenant's stock
media.model_id delete: nobody finds it again without its owner
activity_log.subject_id delete: it finds its tenant through its subject alone
oauth_access_tokens.user_id kept_with
sessions.user_id delete: nobody stays signed in to an account that is gone
session_recordings.user_id delete: it shows what the person typed
cookie_consents.user_id anonymise: the browser's choice stands without the account
cookie_consents.account_id anonymise: the same
marketing_opt_outs.subject_id anonymise: a refusal outlives whoever refused
event_partners.event_id delete: a contact for one event
event_registrations.event_id delete: the same
user_profiles.account_id kept_with
orders.shop_id nothing: the tenant's accounts
orders.user_id nothing: who sold is the tenant's record
order_product.product_id nothing: the line says what was sold
order_product.service_id nothing: the same
deliveries.invoice_id nothing: the tenant's record
deliveries.user_id nothing: who drove is the tenant's record
deliveries.address_id nothing: the key alone says no address
invoices.shop_id nothing: the law has the tenant keep it
invoices.order_id nothing: the same
invoices.user_id nothing: the same
bills.shop_id nothing: the same
bills.user_id nothing: the same
bills.supplier_id nothing: the same
payments.user_id nothing: the same
payments.payable_id nothing: money came in or went out, whatever becomes of the paper
payments.address_id nothing: the key alone says no address
payments.treasury_account_id nothing: the tenant's accounts
payment_methods.treasury_account_id nothing: the tenant's settings
treasury_accounts.shop_id nothing: the tenant's accounts
products.supplier_id nothing: the tenant's catalogue
stocks.product_variant_id nothing: the tenant's stock
stock_warehouse.warehouse_id nothing: the same
employees.job_application_id nothing: the law keeps the file of whoever was hired
billing_invoices.account_id nothing: the law keeps invoices
chat_conversations.account_id anonymise: without the row nobody finds the chat at Tawk.to to delete it there
chat_messages.conversation_id delete: what was said goes with the conversation
"""
"""Every column that names rows of another table but a tenant's own key, and why."""


def test_every_reference_is_decided() -> None:
    told = {line.split(" ")[0]: line.split(" ")[1].rstrip(":") for line in DECIDED.strip().splitlines()}
    found: dict[str, str] = {}
    for system in ("genuka_database", "genletter_database"):
        declared = {name: table for _, name, table in FACTS.tables(system)}
        for name, table in declared.items():
            for column in table.columns:
                named = tables_named(column, table, declared)
                if named and named != ("companies",):
                    kept = "kept_with" if table.kept_with in named else "nothing"
                    found[f"{name}.{column}"] = table.ends_with.get(column, kept)
    assert found == told


def test_what_the_law_keeps_of_an_invoice_is_kept_whole() -> None:
    for key, name in (("genuka/platform_billing", "platform_invoices"), ("genletter/billing", "billing_invoices")):
        table = FACTS.categories[key].tables[name]
        assert not table.ends_with
        assert [rule.law.meanwhile for rule in table.retention if rule.law] == ["keep"]


def test_a_former_customer_is_known_to_accounting_by_name_alone() -> None:
    columns = FACTS.categories["genuka/account_contact"].tables["companies"].columns
    kept = {name for name, column in columns.items() if is_personal(column.holds) and column.anonymised == "keep"}
    assert kept == {"name", "country_code"}


def test_values_that_must_differ_stay_apart() -> None:
    opaque = {
        f"{name}.{column}"
        for _, name, table in FACTS.tables()
        for column, declared in table.columns.items()
        if declared.anonymised == "opaque"
    }
    assert opaque == {"companies.handle", "users.email", "accounts.email"}


def test_an_order_without_its_shopper_keeps_the_accounts_and_nothing_of_the_person() -> None:
    columns = FACTS.categories["genuka/customer_databases"].tables["orders"].columns
    lost = {
        name
        for name, column in columns.items()
        if is_personal(column.holds) and (column.anonymised or "blank") != "keep"
    }
    assert lost == {"customer_id", "signature", "shipping", "metadata", "custom_fields"}


def test_deletions_in_the_application_are_told_apart() -> None:
    found: dict[str, set[str]] = {"person": set(), "tenant": set()}
    for _, name, table in FACTS.tables():
        for rule in table.retention:
            if rule.deleted_by:
                found[rule.deleted_by].add(f"{name}.{rule.name}")
    assert found["person"] == {
        "users.closed_account",
        "accounts.closed_account",
        "job_applications.deleted_on_request",
        "job_applications.not_to_be_kept",
        "newsletter_subscribers.unsubscribed",
        "session_recordings.on_request",
    }
    assert {name.partition(".")[2] for name in found["tenant"]} == {"deleted_by_tenant"}
    assert len(found["tenant"]) == 11
