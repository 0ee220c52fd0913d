"""Retention that cannot be meant as it is written is refused with file, line and what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.catalog.load import load_catalog
from tests.catalog.deployment import CATEGORY, facts, write
from tests.catalog.test_bad_facts import refused

VIEWS: dict[str, Any] = {
    "columns": {
        "id": "system.operations",
        "recording_id": "system.operations",
        "other_id": "system.operations",
        "viewer_id": "user.unique_id",
        "seen_at": "user.replay",
    },
    "retention": [{"keep": "P1M", "since": "seen_at", "clause": "SH-01"}],
}
RULE: dict[str, Any] = {"keep": "P1M", "since": "ended_at", "clause": "SH-01"}


def deployment() -> dict[str, Any]:
    """Recordings, and views of them: `recording_id` names a recording, and nobody has said what follows."""
    made = facts()
    tables = made[CATEGORY]["attributes"]["tables"]
    tables["recordings"]["columns"] |= {"closed_at": "user.replay", "name": "user.name", "view_id": "system.operations"}
    tables["views"] = {**VIEWS, "columns": dict(VIEWS["columns"])}
    return made


def changed(tables: dict[str, dict[str, Any]], category: dict[str, Any] | None = None) -> dict[str, Any]:
    made = deployment()
    attributes = made[CATEGORY]["attributes"]
    for name, changes in tables.items():
        columns = changes.pop("columns", {})
        attributes["tables"][name] |= changes
        attributes["tables"][name]["columns"] |= columns
    attributes |= category or {}
    return made


# (changes to tables, what the answer must say, the line on which it says so)
WRONG: dict[str, tuple[dict[str, dict[str, Any]], str, str]] = {
    "an end with nothing": (
        {"views": {"ends_with": {"other_id": "delete"}}},
        r"'other_id' names no row of a declared table; columns of 'views' that do: recording_id \(recordings\)",
        "other_id: delete",
    ),
    "an end with a value": (
        {"views": {"ends_with": {"seen_at": "delete"}}},
        "'seen_at' names no row",
        "seen_at: delete",
    ),
    "an end with an unknown column": (
        {"views": {"ends_with": {"film_id": "delete"}}},
        "ends_with names the column",
        "",
    ),
    "an unknown end": (
        {"views": {"ends_with": {"recording_id": "drop"}}},
        "'delete' or 'anonymise'",
        "recording_id: drop",
    ),
    "rows that end with themselves": (
        {"views": {"columns": {"view_id": "system.operations"}, "ends_with": {"view_id": "delete"}}},
        "rows of 'views' would end with rows of 'views' itself",
        "view_id: delete",
    ),
    "a circle of two": (
        {"views": {"ends_with": {"recording_id": "delete"}}, "recordings": {"ends_with": {"view_id": "anonymise"}}},
        "'recordings' ends with 'views', which ends with 'recordings': neither can go first",
        "view_id: anonymise",
    ),
    "a circle through a parent": (
        {"views": {"kept_with": "recordings"}, "recordings": {"ends_with": {"view_id": "delete"}}},
        "'recordings' ends with 'views'",
        "view_id: delete",
    ),
    "two parents in a circle": (
        {"views": {"kept_with": "recordings"}, "recordings": {"kept_with": "views"}},
        "neither can go first",
        "kept_with: views",
    ),
    "kept with it and made anonymous": (
        {"views": {"kept_with": "recordings", "ends_with": {"recording_id": "anonymise"}}},
        "'views' is kept with 'recordings'",
        "recording_id: anonymise",
    ),
    "a date that goes first": (
        {
            "views": {"ends_with": {"recording_id": "delete"}},
            "recordings": {"retention": [{**RULE, "since": "views.seen_at"}]},
        },
        "counts from 'views.seen_at', but rows of 'views' end with those of 'recordings' and go first",
        "- keep: P1M",
    ),
    "a law whose date goes first": (
        {
            "views": {"ends_with": {"recording_id": "delete"}},
            "recordings": {
                "retention": [{**RULE, "law": {"since": "views.seen_at", "minimum": {"FR": "P1Y"}, "basis": "the law"}}]
            },
        },
        "go first, with the date",
        "- keep: P1M",
    ),
    "an opaque date": (
        {"recordings": {"columns": {"ended_at": {"holds": "user.replay", "anonymised": "opaque"}}}},
        "'ended_at' holds a date, and an opaque value is text",
        "ended_at:",
    ),
    "an opaque birth date": (
        {"recordings": {"columns": {"name": {"holds": "user.demographic.date_of_birth", "anonymised": "opaque"}}}},
        "'name' holds a date",
        "name:",
    ),
    "a blank key": (
        {"recordings": {"columns": {"id": {"holds": "system.operations", "anonymised": "blank"}}}},
        "'id' is how a row of 'recordings' and its tenant are found",
        "id:",
    ),
    "a blank tenant": (
        {"recordings": {"columns": {"company_id": {"holds": "system.operations", "anonymised": "opaque"}}}},
        "'company_id' is how a row",
        "company_id:",
    ),
    "an unknown way to be anonymous": (
        {"recordings": {"columns": {"name": {"holds": "user.name", "anonymised": "hash"}}}},
        "'keep', 'blank' or 'opaque'",
        "",
    ),
    "two periods for one event": (
        {"recordings": {"retention": [RULE, {**RULE, "keep": "P2M"}]}},
        "two rules count from 'ended_at' in the same state, P1M and P2M",
        "- keep: P2M",
    ),
    "two periods, one of them named": (
        {"recordings": {"retention": [{**RULE, "name": "short"}, {**RULE, "keep": "P2M"}]}},
        "keep one, or name both",
        "- keep: P2M",
    ),
    "one name for two rules": (
        {"recordings": {"retention": [{**RULE, "name": "a"}, {**RULE, "name": "a", "since": "closed_at"}]}},
        "two rules are called 'a'",
        "",
    ),
    "a floor above the promise": (
        {"recordings": {"retention": [{**RULE, "floor": {"keep": "P2M", "since": "ended_at"}}]}},
        "the floor keeps rows P2M from 'ended_at', longer than the promise of P1M",
        "- keep: P1M",
    ),
    "a floor above the ceiling": (
        {"recordings": {"retention": [{**RULE, "ceiling": "P2W", "floor": {"keep": "P1M", "since": "ended_at"}}]}},
        "longer than the promise of P2W",
        "- keep: P1M",
    ),
    "a law on a database that is dropped": (
        {
            "recordings": {
                "retention": [
                    {
                        **RULE,
                        "action": "drop_database",
                        "law": {"since": "ended_at", "minimum": {"FR": "P1Y"}, "basis": "the law"},
                    }
                ]
            }
        },
        "no law can keep a row of it",
        "- keep: P1M",
    ),
    "an unknown event": ({"recordings": {"retention": [{**RULE, "since": "over_at"}]}}, "the column 'over_at'", ""),
    "an unknown event elsewhere": (
        {"recordings": {"retention": [{**RULE, "since": "views.over_at"}]}},
        "column of 'views' 'over_at' is unknown",
        "- keep: P1M",
    ),
    "a name as an event": (
        {"recordings": {"retention": [{**RULE, "since": "name"}]}},
        "'name' holds user.name, which is no date to count from; others here: .*closed_at",
        "- keep: P1M",
    ),
    "a person as a trigger": (
        {"recordings": {"retention": [{**RULE, "sooner": {"asked": "user_id"}}]}},
        "'user_id' holds user.unique_id, which is no date",
        "- keep: P1M",
    ),
    "an expiry listed as a deletion": (
        {"recordings": {"retention": [{**RULE, "deleted_by": "person"}]}},
        r"also ends rows that nobody deleted; count from a deletion alone \(closed_at\)",
        "- keep: P1M",
    ),
    "a deletion that falls back to an expiry": (
        {
            "recordings": {
                "retention": [{**RULE, "since": "closed_at", "otherwise": "ended_at", "deleted_by": "tenant"}]
            }
        },
        "deleted_by says that a tenant deleted these rows",
        "- keep: P1M",
    ),
    "a deletion or an expiry": (
        {
            "recordings": {
                "retention": [{**RULE, "since": {"latest": ["closed_at", "ended_at"]}, "deleted_by": "person"}]
            }
        },
        "require it with when",
        "- keep: P1M",
    ),
    "an unknown deleter": ({"recordings": {"retention": [{**RULE, "deleted_by": "us"}]}}, "'person' or 'tenant'", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_refused_with_file_line_and_what_would_be_right(tmp_path: Path, name: str) -> None:
    tables, said, line = WRONG[name]
    root = write(tmp_path, changed({table: dict(changes) for table, changes in tables.items()}))
    sentence = refused(root)
    found = re.match(rf"assets/{re.escape(CATEGORY)}:(\d+): ", sentence)
    assert found, sentence
    assert re.search(said, sentence), sentence
    assert (root / CATEGORY).read_text().splitlines()[int(found[1]) - 1].strip().startswith(line), sentence


def test_a_rule_of_the_category_is_judged_beside_those_of_its_tables(tmp_path: Path) -> None:
    shared = [{**RULE, "since": "recordings.ended_at", "floor": {"keep": "P2M", "since": "recordings.ended_at"}}]
    assert "the floor keeps rows P2M" in refused(write(tmp_path / "a", changed({}, {"retention": shared})))
    named = [{**RULE, "name": "over", "since": "recordings.ended_at"}]
    twice = changed({"views": {"retention": [{**RULE, "name": "over", "since": "seen_at"}]}}, {"retention": named})
    assert "two rules are called 'over'" in refused(write(tmp_path / "b", twice))
    ends = {"views": {"ends_with": {"recording_id": "anonymise"}}}
    first = changed(ends, {"retention": [{**RULE, "since": "views.seen_at"}]})
    assert "go first, with the date" in refused(write(tmp_path / "c", first))


RIGHT: dict[str, dict[str, dict[str, Any]]] = {
    "an end by name": {"views": {"ends_with": {"recording_id": "anonymise"}}},
    "kept with it and deleted": {"views": {"kept_with": "recordings", "ends_with": {"recording_id": "delete"}}},
    "an end by a declared owner": {
        "views": {
            "references": {"other_id": {"kind": "viewer_id", "owners": {"recording": "recordings"}}},
            "ends_with": {"other_id": "delete"},
        }
    },
    "the date of a row above": {
        "views": {"kept_with": "recordings", "retention": [{**RULE, "since": "recordings.ended_at"}]}
    },
    "the date of a row that goes last": {
        "views": {"kept_with": "recordings"},
        "recordings": {"retention": [{**RULE, "since": "views.seen_at"}]},
    },
    "two named periods": {"recordings": {"retention": [{**RULE, "name": "a"}, {**RULE, "name": "b", "keep": "P2M"}]}},
    "two states": {"recordings": {"retention": [RULE, {**RULE, "keep": "P2M", "when": {"name": "absent"}}]}},
    "a floor as long as the promise": {
        "recordings": {"retention": [{**RULE, "floor": {"keep": "P1M", "since": "ended_at"}}]}
    },
    "a floor from another event": {
        "recordings": {"retention": [{**RULE, "floor": {"keep": "P1Y", "since": "closed_at"}}]}
    },
    "a law beyond the promise": {
        "recordings": {
            "retention": [
                {
                    **RULE,
                    "law": {"since": "ended_at", "minimum": {"FR": "P10Y"}, "basis": "the law", "meanwhile": "keep"},
                }
            ]
        }
    },
    "a deletion": {"recordings": {"retention": [RULE, {**RULE, "since": "closed_at", "deleted_by": "person"}]}},
    "a deletion that is required": {
        "recordings": {
            "retention": [
                {
                    **RULE,
                    "since": {"latest": ["closed_at", "ended_at"]},
                    "when": {"closed_at": "present"},
                    "deleted_by": "person",
                }
            ]
        }
    },
    "an opaque name": {"recordings": {"columns": {"name": {"holds": "user.name", "anonymised": "opaque"}}}},
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_can_be_meant_is_accepted(tmp_path: Path, name: str) -> None:
    changes = {table: dict(change) for table, change in RIGHT[name].items()}
    assert "views" in load_catalog(write(tmp_path, changed(changes))).categories["shop/recordings"].tables


def test_an_event_counts_as_a_deletion_by_what_is_said_of_it(tmp_path: Path) -> None:
    made = changed({"recordings": {"retention": [{**RULE, "deleted_by": "person"}]}})
    made["vocabulary/defs.yaml"]["attributes"]["events"]["ended_at"] = {"fr": "leur retrait", "en": "they are removed"}
    assert (
        load_catalog(write(tmp_path, made)).categories["shop/recordings"].tables["recordings"].retention[0].deleted_by
    )
