"""A new text of a policy: what moved, changed, is new or gone, and everything that keeps those clauses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.keepers import keepers
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.sentences import split
from genuka_pipelines.report.affected import Affected, Difference, affected
from tests.catalog.deployment import CATEGORY, facts, write

LINES = ["Titre", "Un mois au plus.", "Rien de plus.", "Jamais de carte.", "Contact"]
CLAUSES: dict[str, list[str]] = {LINES[1]: ["SH-01"], LINES[2]: ["SH-01", "SH-02"], LINES[3]: ["SH-02"]}


def text_of(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def deployment() -> dict[str, Any]:
    """Two clauses: a rule and a question keep the first, the category alone the second."""
    made = facts()
    policy = made["policies/shop/defs.yaml"]["attributes"]
    policy["clauses"].append({"id": "SH-02", "kind": ["checked"], "text": {"fr": "Rien.", "en": "Nothing."}})
    policy["sentences"] = [
        {
            "at": [s.start, s.end],
            "sha256": s.sha256,
            **({"clauses": CLAUSES[s.text]} if s.text in CLAUSES else {"why": "heading"}),
        }
        for s in split(text_of(LINES))
    ]
    made[CATEGORY]["attributes"]["clauses"] = ["SH-02"]
    return made


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load_catalog(write(tmp_path_factory.mktemp("facts"), deployment()))


def compare(catalog: Catalog, lines: list[str]) -> Affected:
    return affected(catalog, catalog.policies["shop"], text_of(lines))


def words(lines: list[str], differences: tuple[Difference, ...]) -> list[list[str]]:
    text = text_of(lines)
    return [[text[start:end] for start, end in difference.at] for difference in differences]


def test_the_same_text_touches_nothing(catalog: Catalog) -> None:
    assert compare(catalog, LINES) == Affected((), (), (), (), ())


def test_a_reworded_sentence_names_its_clause_rule_and_keepers(catalog: Catalog) -> None:
    lines = ["Titre", "Deux mois au plus.", *LINES[2:]]
    found = compare(catalog, lines)
    assert (found.moved, found.new, found.gone) == ((), (), ())
    assert words(lines, found.changed) == [["Deux mois au plus."]]
    assert found.changed[0].was == ((6, 22),)
    (clause,) = found.clauses
    assert clause.id == "SH-01"
    assert clause.keepers == keepers(catalog)["SH-01"] != ()
    assert "check:shop/recordings#as_declared" in clause.keepers
    assert clause.categories == ("shop/recordings",)
    assert clause.rules == ("shop/recordings#recordings.SH-01",)


def test_a_clause_without_rule_or_check_names_its_asset(catalog: Catalog) -> None:
    found = compare(catalog, [*LINES[:3], "Parfois une carte.", LINES[4]])
    (clause,) = found.clauses
    assert (clause.id, clause.rules) == ("SH-02", ())
    assert "asset:shop/recordings" in clause.keepers


def test_a_new_sentence_carries_no_clause_yet(catalog: Catalog) -> None:
    lines = [*LINES[:2], "Et encore une promesse.", *LINES[2:]]
    found = compare(catalog, lines)
    assert words(lines, found.new) == [["Et encore une promesse."]]
    assert (found.changed, found.gone, found.clauses) == ((), (), ())


def test_a_removed_sentence_names_what_it_carried(catalog: Catalog) -> None:
    found = compare(catalog, [*LINES[:2], *LINES[3:]])
    assert [difference.clauses for difference in found.gone] == [("SH-01", "SH-02")]
    assert [clause.id for clause in found.clauses] == ["SH-01", "SH-02"]


def test_a_sentence_under_another_heading_is_moved(catalog: Catalog) -> None:
    lines = [LINES[0], LINES[2], LINES[3], LINES[4], LINES[1]]
    found = compare(catalog, lines)
    assert words(lines, found.moved) == [[LINES[1]]]
    assert found.moved[0].was == ((6, 22),)
    assert (found.changed, found.new, found.gone) == ((), (), ())
    assert [clause.id for clause in found.clauses] == ["SH-01"]


@given(st.lists(st.sampled_from([*LINES, "Un mot neuf.", "Un autre."]), max_size=9))
def test_every_sentence_is_accounted_for_once(catalog: Catalog, lines: list[str]) -> None:
    found = compare(catalog, lines)
    kinds = (found.changed, found.moved, found.new, found.gone)
    differing = [place for kind in kinds for difference in kind for place in difference.at]
    left = [place for kind in kinds for difference in kind for place in difference.was]
    stayed = len(split(text_of(lines))) - len(differing)
    assert len(set(differing)) == len(differing)
    assert len(set(left)) == len(left)
    assert len(LINES) - len(left) == stayed >= 0
    assert all(difference.at and not difference.was for difference in found.new)
    assert all(difference.was and not difference.at for difference in found.gone)


def test_a_policy_without_a_map_is_all_new(tmp_path: Path) -> None:
    bare = load_catalog(write(tmp_path, facts()))
    assert words(LINES, compare(bare, LINES).new) == [LINES]
