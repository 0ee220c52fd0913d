"""Malformed, hostile and half-written facts: one sentence with file, line and what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.yaml_file import BadFact
from tests.catalog.deployment import CATEGORY, facts, write

TABLE = "tables.recordings"
RULE = "tables.recordings.retention.0"
SYSTEM = "systems/host/defs.yaml"
POLICY = "policies/shop/defs.yaml"
QUESTION = "quality/as_declared/defs.yaml"
WORDS = "vocabulary/defs.yaml"
SHOP_DB = "systems.shop_database"
DROP = object()

# (file, where in its attributes, new value or DROP, what the answer must say)
WRONG: list[tuple[str, str, Any, str]] = [
    (CATEGORY, "titel", {"fr": "x", "en": "y"}, "did you mean 'title'"),
    (CATEGORY, "title", DROP, "'title' is missing"),
    (CATEGORY, "title", "Recordings", "title: .*valid dictionary"),
    (CATEGORY, "title.fr", DROP, "'title.fr' is missing"),
    (CATEGORY, "title.de", "x", "valid keys: fr, en"),
    (CATEGORY, "title.en", "", "at least 1 character"),
    (CATEGORY, "title.en", 7, "valid string"),
    (CATEGORY, "title.en", True, "valid string"),
    (CATEGORY, "role", "owner", "'controller' or 'processor'"),
    (CATEGORY, "role", DROP, "'role' is missing"),
    (CATEGORY, "source", "guessed", "'given', 'recorded'"),
    (CATEGORY, "source", None, "'given', 'recorded'"),
    (CATEGORY, "system", "shop_databse", "did you mean 'shop_database'"),
    (CATEGORY, "system", "Shop Database", "should match pattern"),
    (CATEGORY, "system", 5, "valid string"),
    (CATEGORY, "subjects", [], "at least 1 item"),
    (CATEGORY, "subjects", "user", "valid tuple"),
    (CATEGORY, "subjects", ["users"], "did you mean 'user'"),
    (CATEGORY, "purposes", ["improv"], "did you mean 'improve'"),
    (CATEGORY, "purposes", ["sell"], "declared: improve"),
    (CATEGORY, "purposes", [None], "valid string"),
    (CATEGORY, "legal_basis", ["because"], "'consent', 'contract'"),
    (CATEGORY, "legal_basis", [], "at least 1 item"),
    (CATEGORY, "law", DROP, "'law' is missing"),
    (CATEGORY, "clauses", ["SH-02"], "clause 'SH-02' is unknown; did you mean 'SH-01'"),
    (CATEGORY, "clauses", ["one"], "should match pattern"),
    (CATEGORY, "clauses", "SH-01", "valid tuple"),
    (CATEGORY, "tables", {}, "at least one table or one set of objects"),
    (CATEGORY, "tables", [], "valid dictionary"),
    (CATEGORY, "tables", DROP, "at least one table"),
    (CATEGORY, "tables.recordings; drop", {"columns": {"id": "user"}}, "should match pattern"),
    (CATEGORY, "objects", [{"system": "shop_database"}], "either after a period"),
    (CATEGORY, "objects", [{"system": "media", "keep": "P1M"}], "system 'media' is unknown"),
    (
        CATEGORY,
        "objects",
        [{"system": "shop_database", "keep": "P1M", "kept_with": "x"}],
        "either after a period",
    ),
    (CATEGORY, "retention", [{"keep": "P1M", "since": "ended_at", "clause": "SH-01"}], "names no table"),
    (
        CATEGORY,
        "retention",
        [{"keep": "P1M", "since": "tenants.ended_at", "clause": "SH-01"}],
        "table 'tenants' is unknown",
    ),
    (
        CATEGORY,
        "retention",
        [{"keep": "P1M", "since": "recordings.end", "clause": "SH-01"}],
        "column of 'recordings' 'end'",
    ),
    (CATEGORY, f"{TABLE}.colums", {}, "did you mean 'columns'"),
    (CATEGORY, f"{TABLE}.columns", {}, "at least 1 item"),
    (CATEGORY, f"{TABLE}.columns", DROP, "columns' is missing"),
    (CATEGORY, f"{TABLE}.columns.id", "system.operation", "did you mean 'system.operations'"),
    (CATEGORY, f"{TABLE}.columns.id", "personal", "classification 'personal' is unknown"),
    (CATEGORY, f"{TABLE}.columns.id", None, "valid dictionary|instance of Column"),
    (CATEGORY, f"{TABLE}.columns.id", 3, "valid dictionary|instance of Column"),
    (
        CATEGORY,
        f"{TABLE}.columns.asked_at",
        {"hold": "user"},
        "did you mean 'holds'|'holds' is missing|missing",
    ),
    (
        CATEGORY,
        f"{TABLE}.columns.asked_at",
        {"holds": "user", "protected": "rot13"},
        "'hash', 'encrypted' or 'token'",
    ),
    (
        CATEGORY,
        f"{TABLE}.columns.asked_at",
        {"holds": "user", "stage": "later"},
        "'before_offer' or 'from_offer'",
    ),
    (CATEGORY, f"{TABLE}.columns.ended_at", DROP, "does not declare"),
    (CATEGORY, f"{TABLE}.columns.a b", "user", "should match pattern"),
    (CATEGORY, f"{TABLE}.tenant", "tenant_id", "tenant names the column 'tenant_id'"),
    (
        CATEGORY,
        f"{TABLE}.tenant",
        {"column": "company_id", "parent": "orders"},
        "parent table 'orders' is unknown",
    ),
    (CATEGORY, f"{TABLE}.tenant", {"column": "company_id", "parent": "recordings"}, "leads back to itself"),
    (CATEGORY, f"{TABLE}.tenant", {"parent": "recordings"}, "a tenant path is"),
    (
        CATEGORY,
        f"{TABLE}.tenant",
        {"column": "company_id", "owners": {"A": "recordings"}},
        "a tenant path is",
    ),
    (CATEGORY, f"{TABLE}.tenant", ["company_id"], "valid dictionary|instance of TenantPath"),
    (CATEGORY, f"{TABLE}.subject", {"user": "email"}, "subject names the column 'email'"),
    (CATEGORY, f"{TABLE}.subject", {"usr": "user_id"}, "did you mean 'user'"),
    (CATEGORY, f"{TABLE}.subject", "user_id", "valid dictionary"),
    (CATEGORY, f"{TABLE}.key", ["uuid"], "key names the column 'uuid'"),
    (CATEGORY, f"{TABLE}.content", {"system": "posthog", "key": "id"}, "system 'posthog' is unknown"),
    (
        CATEGORY,
        f"{TABLE}.content",
        {"system": "shop_database", "key": "uid"},
        "content names the column 'uid'",
    ),
    (CATEGORY, f"{TABLE}.retention", [], "nothing ends the rows of 'recordings'"),
    (CATEGORY, f"{TABLE}.retention", DROP, "nothing ends the rows of 'recordings'"),
    (CATEGORY, f"{TABLE}.kept_with", "orders", "table 'orders' is unknown"),
    (CATEGORY, f"{TABLE}.kept_with", "recordings", "table 'recordings' is unknown"),
    (CATEGORY, f"{RULE}.keep", "1M", "is not a period"),
    (CATEGORY, f"{RULE}.keep", "P1H", "is not a period"),
    (CATEGORY, f"{RULE}.keep", "P-1M", "is not a period"),
    (CATEGORY, f"{RULE}.keep", 30, "valid string"),
    (CATEGORY, f"{RULE}.keep", "P999Y", "longer than 100 years"),
    (CATEGORY, f"{RULE}.keep", DROP, "keep' is missing"),
    (CATEGORY, f"{RULE}.since", "end_at", "names the column 'end_at'"),
    (CATEGORY, f"{RULE}.since", "ended_at; DROP TABLE x", "should match pattern"),
    (CATEGORY, f"{RULE}.since", {"latest": []}, "at least 1 item"),
    (CATEGORY, f"{RULE}.since", {"newest": ["ended_at"]}, "did you mean|valid keys|missing"),
    (CATEGORY, f"{RULE}.since", "other.ended_at", "table 'other' is unknown"),
    (CATEGORY, f"{RULE}.since", "recordings.nothing", "column of 'recordings' 'nothing' is unknown"),
    (CATEGORY, f"{RULE}.otherwise", "started_at", "names the column 'started_at'"),
    (CATEGORY, f"{RULE}.when", {"status": "hired"}, "names the column 'status'"),
    (CATEGORY, f"{RULE}.when", "hired", "valid dictionary"),
    (CATEGORY, f"{RULE}.sooner", {"asked": "ask_at"}, "names the column 'ask_at'"),
    (CATEGORY, f"{RULE}.sooner", ["asked_at"], "valid dictionary"),
    (CATEGORY, f"{RULE}.ceiling", "P2M", "may only lower it"),
    (CATEGORY, f"{RULE}.floor", {"keep": "P4M"}, "since' is missing"),
    (CATEGORY, f"{RULE}.law", {"since": "ended_at", "minimum": {}, "basis": "code"}, "at least 1 item"),
    (
        CATEGORY,
        f"{RULE}.law",
        {"since": "ended_at", "minimum": {"FR": "ten"}, "basis": "code"},
        "is not a period",
    ),
    (
        CATEGORY,
        f"{RULE}.law",
        {"since": "ended_at", "minimum": {"FR": "P10Y"}, "basis": "code", "country": "land"},
        "'land'",
    ),
    (CATEGORY, f"{RULE}.action", "archive", "'delete', 'anonymise' or 'drop_database'"),
    (CATEGORY, f"{RULE}.clause", "SH-99", "clause 'SH-99' is unknown"),
    (CATEGORY, f"{RULE}.clause", DROP, "clause' is missing"),
    (CATEGORY, f"{RULE}.notices", ["30 days"], "is not a period"),
    (CATEGORY, f"{TABLE}.expectations", [{"column": "ended_at"}], "written as one key, expect_"),
    (CATEGORY, f"{TABLE}.expectations", [{"expect_a": {}, "expect_b": {}}], "written as one key, expect_"),
    (CATEGORY, f"{TABLE}.expectations", ["expect_nothing"], "valid dictionary|instance of Expectation"),
    (
        CATEGORY,
        f"{TABLE}.expectations",
        [{"expect_column_values_to_not_be_null": {"column": "x"}, "severity": "fatal"}],
        "'error' or 'warn'",
    ),
    (
        CATEGORY,
        f"{TABLE}.expectations",
        [{"expect_column_values_to_not_be_null": {"column": "end"}}],
        "names the column 'end'",
    ),
    (
        CATEGORY,
        f"{TABLE}.expectations",
        [{"expect_column_values_to_be_nul": {"column": "ended_at"}}],
        "expectation 'expect_column_values_to_be_nul' is unknown",
    ),
    (CATEGORY, f"{TABLE}.staging.purpose", "sell", "purpose of this category 'sell'"),
    (CATEGORY, f"{TABLE}.staging.columns", {}, "at least 1 item"),
    (CATEGORY, f"{TABLE}.staging.columns.who", "user_id", "direct identifier"),
    (
        CATEGORY,
        f"{TABLE}.staging.columns.who",
        {"md5": "user_id"},
        "'copy', 'day', 'month', 'host', 'language'",
    ),
    (CATEGORY, f"{TABLE}.staging.columns.who", {"pseudonym": "email"}, "staging names the column 'email'"),
    *(
        (CATEGORY, f"{TABLE}.staging.columns.who", {way: ["ended_at", "asked_at"]}, f"{way} takes one column")
        for way in ("copy", "day", "month", "host")
    ),
    (CATEGORY, f"{TABLE}.staging.columns", {"who": {"device_day": "user_id"}}, "stage a column as day too"),
    (
        CATEGORY,
        f"{TABLE}.staging.columns",
        {"who": {"device_day": ["user_id", "id"]}, "when": {"month": "ended_at"}},
        "'who' is a device_day",
    ),
    (CATEGORY, f"{TABLE}.staging.family", "browser", "would link their days"),
    (CATEGORY, f"{TABLE}.staging.family", "both", "'identity' or 'browser'"),
    (SYSTEM, "role", "friend", "'processor', 'controller'"),
    (SYSTEM, "receives", ["user.soul"], "classification 'user.soul' is unknown"),
    (SYSTEM, "purposes", ["profit"], "purpose 'profit' is unknown"),
    (SYSTEM, "contract", {"dated": "soon", "reference": "A1"}, "valid date"),
    (SYSTEM, "certificates", [{"name": "ISO 27001", "valid_until": "2026-13-01"}], "valid date"),
    (SYSTEM, f"{SHOP_DB}.kind", "databse", "'database', 'store'"),
    (SYSTEM, f"{SHOP_DB}.setting", "shop", "'genuka', 'genletter'"),
    (SYSTEM, f"{SHOP_DB}.setting", DROP, "needs a setting"),
    (SYSTEM, f"{SHOP_DB}.place.country", "France", "should match pattern"),
    (SYSTEM, f"{SHOP_DB}.place.proof", "believed", "'declared' or 'proven'"),
    (SYSTEM, f"{SHOP_DB}.apart_from", ["nowhere"], "system 'nowhere' is unknown"),
    (POLICY, "clauses", [], "at least 1 item"),
    (POLICY, "clauses.0.id", "SH1", "should match pattern"),
    (POLICY, "clauses.0.kind", ["promised"], "'enforced', 'checked'"),
    (POLICY, "clauses.0.text", {"fr": "Un mois."}, "text.en' is missing"),
    (POLICY, "version", "May 2024", "should match pattern"),
    (POLICY, "source_sha256", "abc", "should match pattern"),
    (POLICY, "sentences", [{"at": [0], "sha256": "0" * 16}], "missing|at least 2"),
    (
        POLICY,
        "tensions",
        [
            {
                "id": "t",
                "clauses": ["SH-77"],
                "text": {"fr": "a", "en": "b"},
                "decision": {"fr": "a", "en": "b"},
            }
        ],
        "'SH-77' is unknown",
    ),
    (QUESTION, "asks", "everything", "'as_declared', 'well_formed'"),
    (QUESTION, "of", {"categories": ["shop/recording"]}, "did you mean 'shop/recordings'"),
    (QUESTION, "of", {"products": ["genuka"]}, "product 'genuka' is unknown"),
    (QUESTION, "severity", "loud", "'error' or 'warn'"),
    (WORDS, "purposes.improve.data_use", "make.money", "data use 'make.money' is unknown"),
    (WORDS, "subjects", {"user": "utilisateur"}, "valid dictionary|instance of Words"),
]


@pytest.mark.parametrize(("file", "at", "value", "said"), WRONG, ids=[f"{n}:{w[1]}" for n, w in enumerate(WRONG)])
def test_a_wrong_fact_is_answered_with_file_line_and_choices(
    tmp_path: Path, file: str, at: str, value: Any, said: str
) -> None:
    broken = facts()
    _put(broken[file]["attributes"], at.split("."), value)
    sentence = refused(write(tmp_path, broken))
    assert re.search(said, sentence), sentence
    assert re.match(rf"assets/{re.escape(file)}:\d+: ", sentence), sentence


def _put(attributes: Any, at: list[str], value: Any) -> None:
    for part in at[:-1]:
        attributes = attributes[int(part)] if isinstance(attributes, list) else attributes[part]
    if value is DROP:
        del attributes[at[-1]]
    else:
        attributes[at[-1]] = value


def refused(assets: Path) -> str:
    """The one sentence with which a folder is refused."""
    with pytest.raises(GenukaError) as refusal:
        load_catalog(assets)
    sentence = str(refusal.value)
    assert refusal.value.exit_code == 2
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert refusal.value.__cause__ is None
    return sentence


TEXTS: list[tuple[str, str | bytes, str]] = [
    ("empty", "", "not a mapping"),
    ("a list", "- a\n- b\n", "not a mapping"),
    ("a word", "hello\n", "not a mapping"),
    ("a tab", "type:\n\tx\n", "not valid YAML"),
    (
        "half written",
        "type: genuka_pipelines.components.DataCategory\nattributes: {title: {fr: x",
        "not valid YAML",
    ),
    ("not UTF-8", b"type: \xff\xfe\n", "not UTF-8"),
    ("a NUL", b"type: a\x00b\n", "not valid YAML"),
    ("no type", "attributes: {}\n", "type '' is unknown"),
    ("a near type", "type: genuka_pipelines.components.DataCategry\nattributes: {}\n", "did you mean"),
    ("a foreign type", "type: os.system\nattributes: {}\n", "valid types"),
    ("no attributes", "type: genuka_pipelines.components.Question\n", "'attributes:' is missing"),
    (
        "attributes as text",
        "type: genuka_pipelines.components.Question\nattributes: yes\n",
        "'attributes:' is missing",
    ),
    (
        "a second key",
        "type: genuka_pipelines.components.Question\nattributes: {}\nrequirements: {}\n",
        "'requirements' is not a key",
    ),
    ("a key twice", "type: a\ntype: b\n", "written twice"),
    ("a code tag", "type: !!python/object/apply:os.system ['true']\n", "facts do not use|not valid|unknown"),
    ("two documents", "type: a\n---\ntype: b\n", "not valid YAML"),
    ("an alias", "type: &a x\nattributes: {a: &m [1], b: *m}\n", "aliases"),
    ("a merge", "type: x\nattributes: {<<: {a: 1}}\n", "plain word"),
    ("a list as key", "type: x\n? [a, b]\n: c\n", "plain word"),
    ("deep", "type: x\nattributes: " + "[" * 3000 + "]" * 3000, "nested too deeply"),
    ("huge", "type: x\nattributes: " + "a" * 1_100_000, "bytes; a file of facts"),
    ("an undated date", "type: x\nattributes: {a: 2024-99-99}\n", "facts do not use|unknown"),
]


@pytest.mark.parametrize(("name", "text", "said"), TEXTS, ids=[text[0] for text in TEXTS])
def test_what_is_not_a_file_of_facts_is_refused(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    broken: dict[str, Any] = facts()
    broken[CATEGORY] = text
    sentence = refused(write(tmp_path, broken))
    assert re.search(said, sentence), sentence
    assert sentence.startswith(f"assets/{CATEGORY}:")


def test_an_alias_bomb_is_refused_quickly(tmp_path: Path) -> None:
    lines = ["type: x", "a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert "aliases" in refused(write(tmp_path, {**facts(), CATEGORY: "\n".join(lines)}))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shop/recordings/extra.py", "never loaded: move it to genuka_pipelines/"),
        ("shop/recordings/defs.yml", "holds one file, defs.yaml"),
        ("shop/recordings/notes.txt", "holds one file, defs.yaml"),
    ],
)
def test_a_stray_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    assert said in refused(write(tmp_path, {**facts(), name: "x"}))


def test_a_table_declared_twice_names_both_places(tmp_path: Path) -> None:
    twice = {**facts(), "shop/other/defs.yaml": facts()[CATEGORY]}
    assert "already declared by shop/" in refused(write(tmp_path, twice))


def test_a_clause_that_nothing_keeps_is_refused(tmp_path: Path) -> None:
    more = facts()
    more[POLICY]["attributes"]["clauses"].append({"id": "SH-02", "kind": ["checked"], "text": {"fr": "a", "en": "b"}})
    assert "nothing keeps SH-02" in refused(write(tmp_path, more))


def test_no_or_two_vocabularies_are_refused(tmp_path: Path) -> None:
    none = facts()
    del none[WORDS]
    assert "0 vocabularies" in refused(write(tmp_path / "a", none))
    assert "2 vocabularies" in refused(write(tmp_path / "b", {**facts(), "words/defs.yaml": facts()[WORDS]}))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nothing")


def test_tenant_data_are_staged_only_on_opt_in(tmp_path: Path) -> None:
    broken = facts()
    broken[CATEGORY]["attributes"]["role"] = "processor"
    assert "opt_in" in refused(write(tmp_path, broken))


def test_the_line_is_the_line(tmp_path: Path) -> None:
    broken = facts()
    broken[CATEGORY]["attributes"]["tables"]["recordings"]["retention"][0]["keep"] = "a month"
    root = write(tmp_path, broken)
    lines = (root / CATEGORY).read_text().splitlines()
    expected = next(number for number, line in enumerate(lines, 1) if "a month" in line)
    assert refused(root).startswith(f"assets/{CATEGORY}:{expected}: ")


def test_what_may_be_made_of_several_columns_loads(tmp_path: Path) -> None:
    broken = facts()
    staging = broken[CATEGORY]["attributes"]["tables"]["recordings"]["staging"]
    for way in ("pseudonym", "device_day", "present"):
        staging["columns"][way] = {way: ["user_id", "asked_at"]}
    table = load_catalog(write(tmp_path, broken)).categories["shop/recordings"].tables["recordings"]
    assert table.staging is not None
    assert table.staging.columns["device_day"].of == ("user_id", "asked_at")


def test_the_line_of_a_staged_column_is_the_line(tmp_path: Path) -> None:
    broken = facts()
    columns = broken[CATEGORY]["attributes"]["tables"]["recordings"]["staging"]["columns"]
    columns["twice"] = {"month": ["ended_at", "asked_at"]}
    root = write(tmp_path, broken)
    lines = (root / CATEGORY).read_text().splitlines()
    expected = next(number for number, line in enumerate(lines, 1) if "twice" in line)
    assert refused(root).startswith(f"assets/{CATEGORY}:{expected}: ")


def test_the_whole_deployment_loads(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, facts()))
    assert list(catalog.categories) == ["shop/recordings"]
    assert list(catalog.clauses) == ["SH-01"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    )
)
def test_no_value_anywhere_escapes_as_a_traceback(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    broken: dict[str, Any] = facts()
    broken[CATEGORY]["attributes"]["tables"]["recordings"]["retention"] = value
    try:
        load_catalog(write(tmp_path_factory.mktemp("facts"), broken))
    except BadFact as refusal:
        assert "\n" not in str(refusal)
    except yaml.YAMLError as error:  # pragma: no cover - the writer, not the reader
        pytest.skip(f"not writable as YAML: {type(error).__name__}")
