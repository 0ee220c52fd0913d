"""Tables for analysts that could not keep what they promise: one sentence with file, line and rule, at loading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.catalog.composition import epsilon_of, least_year, of_class, rho_of
from genuka_pipelines.catalog.keepers import keepers
from genuka_pipelines.catalog.published import OF_TABLES, Spend
from genuka_pipelines.catalog.yaml_file import BadFact
from tests.catalog.analysts import BROWSERS, MONEY, PEOPLE, PRIVACY, analysts, loaded, put
from tests.catalog.facts import FACTS

MEASURE = {"title": {"fr": "x", "en": "x"}}
PLAN = "dimensions.plan"
COLUMNS = "tables.bills.staging.columns"

# (file, where in its attributes, new value, what the answer must say)
WRONG: list[tuple[str, str, Any, str]] = [
    (PEOPLE, "category", "shop/mony", "category 'shop/mony' is unknown; did you mean 'shop/money'"),
    (PEOPLE, "table", "bill", "staged table 'bill' is unknown; did you mean 'bills'.*under its staging"),
    (PEOPLE, "unit", "compny", "staged column of 'bills' 'compny' is unknown; did you mean 'company'"),
    (PEOPLE, "period.of", "issued", "staged column of 'bills' 'issued' is unknown"),
    (PEOPLE, "dimensions", {"nope": {**MEASURE, "keys": ["a"]}}, "staged column of 'bills' 'nope' is unknown"),
    (PEOPLE, "measures.value_sum.sum", "amont", "did you mean 'amount'"),
    (PEOPLE, "when", {"paid": True}, "staged column of 'bills' 'paid' is unknown"),
    (PEOPLE, "protects", "compny", "class of units 'compny' is unknown; did you mean 'company'"),
    (PEOPLE, f"{PLAN}.keys", "plan", "list of keys 'plan' is unknown; did you mean 'plans'"),
    (PEOPLE, "clause", ["SH-02"], "clause 'SH-02' is unknown"),
    (PRIVACY, "clauses.unlinked", ["SH-02"], "clause 'SH-02' is unknown"),
    (PEOPLE, "purpose", "sell", "staged for the purpose 'improve', and for no other.*'sell'"),
    (PEOPLE, "groups", 0, "greater than or equal to 1"),
    (
        PEOPLE,
        "unit",
        "plan",
        "staged as copy, and whom a budget protects is a pseudonym or a device_day.*company, bill",
    ),
    (PEOPLE, "protects", "device", "class of the family browser, and 'bills' is staged as identity"),
    (PEOPLE, "once", True, "nothing makes sure of it for 'company' by 'month'"),
    (PEOPLE, "period", {"every": "month", "of": "plan"}, "staged as copy; a month is told by a day or month"),
    (PEOPLE, "period", {"every": "day", "of": "day"}, "called <subject>_daily.*this one is called bills_monthly"),
    (PEOPLE, "measures.value_sum.sum", "raw", "may be a float, and only whole numbers are summed"),
    (PEOPLE, "measures.value_sum.between", [0.5, 9], "valid integer"),
    (PEOPLE, "measures.value_sum.between", [9, 9], "a lower and an upper bound"),
    (PEOPLE, "measures.value_sum.between", [0, 1 << 41], "up to 2"),
    (PEOPLE, "measures.value_sum", {**MEASURE, "sum": "amount"}, "takes `between` and `of`"),
    (PEOPLE, "measures.value_sum", {**MEASURE, "rows": 0}, "greater than or equal to 1"),
    (PEOPLE, "measures", {}, "at least 1 item"),
    (PEOPLE, "measures", {"value": {**MEASURE, "units": "all"}}, "'value' is the name of another column"),
    (PEOPLE, "measures", {"plan": {**MEASURE, "units": "all"}}, "'plan' is the name of another column"),
    (PEOPLE, f"{PLAN}.keys", [], "without a key has no cell"),
    (PEOPLE, f"{PLAN}.keys", ["A", "A"], "'A' is listed twice"),
    (PEOPLE, PLAN, dict(MEASURE), "public keys, edges, or private"),
    (PEOPLE, PLAN, {**MEASURE, "private": True, "keys": ["a"]}, "one of them"),
    (
        PEOPLE,
        PLAN,
        {**MEASURE, "of": "raw", "edges": [0, 1]},
        "may be a float, and only whole numbers are cut by edges",
    ),
    (PEOPLE, PLAN, {**MEASURE, "of": "amount", "edges": [1, 0]}, "each larger than the one before"),
    (PEOPLE, PLAN, {**MEASURE, "of": "company", "keys": ["a"]}, "staged as pseudonym: it points at somebody"),
    (PEOPLE, PLAN, {**MEASURE, "of": "day", "keys": ["a"]}, "staged as day: it points at somebody"),
    (BROWSERS, "dimensions", {"city": {**MEASURE, "keys": ["a"]}}, "user.contact.address.city, which tells beside"),
    (BROWSERS, "budget", {"epsilon": 0.5}, ""),
    (BROWSERS, "dimensions", {"host": {**MEASURE, "private": True}}, "give the budget a delta, or list keys"),
    (
        BROWSERS,
        "budget",
        {"epsilon": 1.1},
        "costs a unit of 'device' at least ε = 1.1 at δ = 0, and its budget is ε = 1",
    ),
    (BROWSERS, "once", False, "at least ε = 365"),
    (BROWSERS, "settles", 20, "gone after 14 days, and a day takes 21 to settle"),
    (PEOPLE, "budget", {"epsilon": 4.0, "delta": 1e-8}, "costs a unit of 'company' at least"),
    (PEOPLE, "budget", {"epsilon": 0}, "greater than 0"),
    (PEOPLE, "budget", {"epsilon": 0.5, "delta": 0.5}, "less than 0.001"),
    (PRIVACY, "units", {}, "at least 1 item"),
    (PRIVACY, "keys.plans", ["", "A"], "a key is a text"),
    (PRIVACY, "begins", "soon", "valid date"),
    (PEOPLE, "sql", "select 1", "'sql' is not a key here"),
    (MONEY, f"{COLUMNS}.amount", {"minor_units": "amount"}, "depends on its currency"),
    (MONEY, f"{COLUMNS}.amount", {"minutes": ["issued_at"]}, "between two moments"),
    (MONEY, f"{COLUMNS}.plan", {"setting": "plan"}, "a setting says under which key"),
    (MONEY, f"{COLUMNS}.plan", "visit.country", "table 'visit' is unknown; did you mean 'visits'"),
    (MONEY, f"{COLUMNS}.plan", "visits.contry", "did you mean 'country'"),
    (MONEY, f"{COLUMNS}.plan", {"host": "visits.url"}, "is of another table, and host reads its own alone"),
    (MONEY, f"{COLUMNS}.plan", "visits.ip", "direct identifier, and never leaves"),
]


@pytest.mark.parametrize(("file", "path", "value", "said"), WRONG, ids=[f"{n}:{w[1]}" for n, w in enumerate(WRONG)])
def test_a_wrong_table_is_answered_with_file_line_and_rule(
    tmp_path: Path, file: str, path: str, value: Any, said: str
) -> None:
    changed = analysts()
    put(changed[file]["attributes"], path, value)
    if not said:
        assert loaded(tmp_path, changed).published
        return
    with pytest.raises(BadFact) as refused:
        loaded(tmp_path, changed)
    sentence = str(refused.value)
    assert re.search(said, sentence), sentence
    wrong = PRIVACY if "costs a unit" in said or "at least ε" in said else file
    assert re.match(rf"assets/{wrong}:\d+: ", sentence), sentence
    assert "\n" not in sentence


def test_the_grid_of_public_keys_is_bounded(tmp_path: Path) -> None:
    changed = analysts()
    thousands = {name: {**MEASURE, "of": "plan", "keys": "thousand"} for name in ("one", "two")}
    put(changed[PEOPLE]["attributes"], "dimensions", thousands)
    with pytest.raises(BadFact, match=r"make 1000000 cells.*at most 100000"):
        loaded(tmp_path, changed)


@pytest.mark.parametrize(
    ("unit", "period", "sure"),
    [
        ("bill", "issued_at", False),
        ("bill", "created_at", True),
        ("company", "created_at", False),
        ("company", "companies.created_at", True),
        ("bill", "companies.created_at", False),
    ],
)
def test_once_is_believed_of_a_date_that_never_changes(tmp_path: Path, unit: str, period: str, sure: bool) -> None:
    changed = analysts()
    tables = changed[MONEY]["attributes"]["tables"]
    tables["bills"]["columns"]["created_at"] = "system.operations"
    tables["bills"]["staging"]["columns"]["month"] = {"month": period}
    tables["companies"] = {
        "tenant": "id",
        "columns": {"id": "tenant", "created_at": "system.operations"},
        "retention": [{"keep": "P12M", "since": "created_at", "clause": "SH-01"}],
    }
    changed[PEOPLE]["attributes"] |= {"unit": unit, "once": True}
    if sure:
        assert loaded(tmp_path, changed).published["bills_monthly"].once
        return
    with pytest.raises(BadFact, match="nothing makes sure of it"):
        loaded(tmp_path, changed)


def test_the_same_units_are_charged_to_one_class(tmp_path: Path) -> None:
    changed = analysts()
    changed[PRIVACY]["attributes"]["units"]["again"] = {**MEASURE, "year": {"epsilon": 4, "delta": 1e-6}}
    changed["analytics/more_monthly/defs.yaml"] = {
        **changed[PEOPLE],
        "attributes": {**changed[PEOPLE]["attributes"], "protects": "again"},
    }
    with pytest.raises(BadFact, match="charged to again and to company"):
        loaded(tmp_path, changed)


@pytest.mark.parametrize(
    "name", ["bills_monthly/nested_monthly", "bills_per_month", "b" * 20 + "_monthly", "Bills_monthly"]
)
def test_a_table_bears_its_rhythm_in_its_name(tmp_path: Path, name: str) -> None:
    changed = analysts()
    changed[f"analytics/{name}/defs.yaml"] = changed.pop(PEOPLE)
    with pytest.raises(BadFact, match=r"a folder of analytics/|is called"):
        loaded(tmp_path, changed)


def test_privacy_facts_are_one(tmp_path: Path) -> None:
    changed = analysts()
    changed["analytics/others/defs.yaml"] = changed[PRIVACY]
    with pytest.raises(BadFact, match="already declared by"):
        loaded(tmp_path / "two", changed)
    changed = analysts()
    del changed[PRIVACY]
    with pytest.raises(BadFact, match="no budget is declared anywhere"):
        loaded(tmp_path / "none", changed)


def test_every_question_put_to_a_table_is_a_keeper() -> None:
    kept = keepers(FACTS)
    privacy = FACTS.privacy
    assert privacy is not None
    for check in OF_TABLES:
        for name, table in FACTS.published.items():
            for clause in privacy.clauses_of(check, table):
                assert f"check:analytics/{name}#{check}" in kept[clause]
    assert not any(keeper.startswith("planned:analytics") for found in kept.values() for keeper in found)


def test_the_declared_tables_answer_what_was_asked_for() -> None:
    every = {name: table.period.every for name, table in FACTS.published.items()}
    assert every == {
        "signups_monthly": "month", "active_companies_monthly": "month", "orders_monthly": "month",
        "billing_monthly": "month", "company_retention_monthly": "month", "page_visits_daily": "day",
        "referring_hosts_daily": "day", "sessions_daily": "day", "cookie_visits_daily": "day", "chats_weekly": "week",
        "recruitment_quarterly": "quarter", "genletter_signups_monthly": "month",
        "genletter_prefs_quarterly": "quarter",
    }  # fmt: skip
    orders = FACTS.published["orders_monthly"]
    assert FACTS.categories[orders.category].opt_in == "analytics", "only tenants that opted in"
    assert orders.protects == "company"
    assert FACTS.published["referring_hosts_daily"].private
    assert all(table.minimum >= 11 for table in FACTS.published.values())


def test_no_year_of_the_declared_tables_overdraws_its_class() -> None:
    """By the accounting that a release is refused by, not only by the least that it may cost."""
    from datetime import date

    from genuka_pipelines.analytics.bounding.query import query_of
    from genuka_pipelines.analytics.noise.accounting import epsilon_at, total
    from genuka_pipelines.analytics.noise.plan import planned
    from genuka_pipelines.analytics.releases.calendar import PER_YEAR

    privacy = FACTS.privacy
    assert privacy is not None
    for unit, declared in privacy.units.items():
        costs = []
        for name, table in of_class(FACTS, unit).items():
            query = query_of(table, privacy, name=name, begins=date(2026, 1, 1), ends=date(2026, 2, 1), salt="s")
            plan = planned(query, declared.year, name=name)
            costs += [plan.cost] * (1 if table.once else PER_YEAR[table.period.every])
        spent = total(costs)
        assert spent.delta <= declared.year.delta, unit
        assert epsilon_at(spent, declared.year.delta) <= declared.year.epsilon, unit


def test_the_year_is_added_up_as_the_papers_say() -> None:
    assert epsilon_of(0.015, 1e-9) == pytest.approx(1.0009, abs=1e-3)
    assert epsilon_of(0, 1e-9) == 0
    assert all(epsilon_of(rho, 1e-6) <= rho + 2 * (rho * 13.8156) ** 0.5 for rho in (1e-6, 0.01, 0.5, 3.0))
    (orders,) = [table for name, table in FACTS.published.items() if name == "orders_monthly"]
    pure = orders.model_copy(update={"budget": Spend(epsilon=0.1), "once": False})
    assert least_year([pure], 0) == pytest.approx(1.2)
    assert least_year([pure.model_copy(update={"once": True})], 0) == pytest.approx(0.1)
    assert least_year([orders], 0) == pytest.approx(12 * orders.budget.epsilon), "Laplace needs no delta"
    assert least_year([orders], 1e-6) == pytest.approx(epsilon_of(12 * rho_of(orders.budget), 1e-6))
    assert least_year([FACTS.published["referring_hosts_daily"]], 0) == float("inf"), "a threshold does"
    assert least_year([], 1e-6) == 0
