"""From which date a period runs: none that a caller sets, and none whose absence keeps a row for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from genuka_pipelines.catalog.links.rules import events_of
from genuka_pipelines.catalog.load import default_root, load_catalog
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.table import Table
from genuka_pipelines.words.rules import say_rule
from tests.catalog.facts import FACTS, rule_of

CALLER_SETS_CREATED_AT = ("orders", "returns", "companies")
"""The API takes created_at for orders and returns; a company's is 17 months off its own ULID."""

SERVER_SETS_CREATED_AT = {
    ("oauth_access_tokens", "expired"): "issued by the server; the key is no ULID",
    ("password_reset_tokens", None): "written by the server; the row has no other date",
    ("sessions", "three_months_at_most"): "written by the server; the key is no ULID",
    ("sessions", "idle"): "the same",
    ("contact_requests", None): "only where the key is no ULID",
}
"""Every rule that reads created_at, and why it may."""

WAITS = {
    "deleted_at", "closed_at", "unsubscribed_at", "delete_requested_at", "keep_opt_out_at", "left_at", "hired_at",
    "legal_hold_at", "subscription_ended_at", "ended_at",
}  # fmt: skip
"""Events that may not have happened: while they have not, the rule ends nothing, and another may."""


def every_rule() -> Iterator[tuple[str, Table, Rule]]:
    """(table, its declaration, rule) of both products; what we make ourselves, nobody else dates."""
    for key, category in FACTS.categories.items():
        if not key.startswith("own/"):
            for name, table in category.tables.items():
                for rule in category.rules_of(name):
                    yield name, table, rule


def test_no_date_that_a_caller_may_set_decides_when_anything_ends() -> None:
    for name, _, rule in every_rule():
        for event in events_of(rule):
            owner, _, column = event.rpartition(".")
            assert not ((owner or name) in CALLER_SETS_CREATED_AT and column == "created_at"), (name, rule)


def test_every_rule_that_reads_a_date_of_creation_says_why_it_may() -> None:
    reading = {(name, rule.name) for name, _, rule in every_rule() if "created_at" in events_of(rule)}
    assert reading == SERVER_SETS_CREATED_AT.keys()


def test_no_rule_counts_from_a_date_that_any_touch_renews() -> None:
    assert [name for name, _, rule in every_rule() if "updated_at" in events_of(rule)] == []


def test_the_time_within_a_ulid_is_read_from_the_key_alone() -> None:
    ulids = {event for _, _, rule in every_rule() for event in events_of(rule) if event.startswith("ulid:")}
    assert ulids == {"ulid:id"}


def test_a_missing_date_keeps_no_row_for_ever() -> None:
    """A rule falls back, or its date is required, or it waits for an event that may never come."""
    endless = []
    for name, table, rule in every_rule():
        first = rule.since.of[0]
        required = {
            column
            for expected in table.expectations
            if expected.expect == "expect_column_values_to_not_be_null" and expected.severity == "error"
            for column in expected.columns
        }
        falls_back = rule.otherwise or (len(rule.since.of) > 1 and rule.since.pick != "latest")
        waits = first.rpartition(".")[2] in WAITS
        asked = all(rule.when.get(event) == "present" for event in rule.since.of)
        if not (falls_back or first in required or first.startswith("ulid:") or waits or asked):
            endless.append((name, rule.name))
    # A dedicated database's row is in the rule's state only once its subscription has ended.
    assert endless == [("tenant_databases", "last_use")]


def test_a_legal_minimum_without_a_date_still_ends() -> None:
    """Where its date is missing, the law keeps a row: for ever, if nothing else dates it."""
    for name, _, rule in every_rule():
        if rule.law and not any("." in event for event in rule.law.since.of):
            waits = set(rule.law.since.of) <= WAITS
            assert waits or "ulid:id" in rule.law.since.of, name


def test_the_floor_of_a_dedicated_database_counts_every_use_that_is_known() -> None:
    rule = rule_of("genuka/dedicated_databases", "tenant_databases", "last_use")
    uses = {"last_used_at", "subscription_ended_at", "users.last_login_at", "users.last_activity"}
    assert rule.since.pick == "latest"
    assert set(rule.since.of) == uses
    assert rule.floor is not None
    assert rule.floor.since == rule.since


def test_the_register_outlives_whatever_it_dates() -> None:
    """It is kept with companies, which outlive all that reads the register."""
    assert FACTS.categories["genuka/dedicated_databases"].tables["tenant_databases"].kept_with == "companies"
    moment = datetime(2024, 2, 29, tzinfo=UTC)
    company = rule_of("genuka/account_contact", "companies", "former_customer").keep.end(moment)
    for name, _, rule in every_rule():
        if name != "tenant_databases" and any(event.startswith("tenant_databases.") for event in events_of(rule)):
            assert rule.keep.end(moment) <= company, name


@pytest.mark.parametrize(("ceiling", "year"), [("P2Y", 2026), (None, 2027)])
def test_a_lower_ceiling_for_applicants_binds_and_is_said(ceiling: str | None, year: int) -> None:
    promised = rule_of("genuka/job_applications", "job_applications", "not_hired")
    rule = Rule.model_validate({**promised.model_dump(), "ceiling": ceiling})
    assert rule.period.end(datetime(2024, 3, 1, tzinfo=UTC)) == datetime(year, 3, 1, tzinfo=UTC)
    said = say_rule(rule, FACTS.categories["genuka/job_applications"].title, FACTS.vocabulary, "en")
    assert ("promised: 3 years" in said) == (ceiling is not None)


def test_the_ceiling_is_set_in_the_facts(tmp_path: Path) -> None:
    """As docs/retention.md tells it: one line below the period."""
    root = tmp_path / "assets"
    for file in sorted(default_root().rglob("defs.yaml")):
        there = root / file.relative_to(default_root())
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    facts = root / "genuka/job_applications/defs.yaml"
    text = facts.read_text(encoding="utf-8")
    facts.write_text(text.replace("keep: P3Y\n", "keep: P3Y\n          ceiling: P2Y\n", 1), encoding="utf-8")
    content: Any = yaml.safe_load(facts.read_text(encoding="utf-8"))
    assert content["attributes"]["tables"]["job_applications"]["retention"][0]["ceiling"] == "P2Y"
    lowered = load_catalog(root).categories["genuka/job_applications"].tables["job_applications"].retention[0]
    assert (lowered.name, lowered.period) == ("not_hired", "P2Y")
