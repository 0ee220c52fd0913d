from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.control.canonical import GENESIS, Stored, canonical_json, entry_hash, instant


def test_the_format_of_an_entry_never_changes() -> None:
    # Written down by hand once: a program of 2036 must still compute this.
    at = datetime(2026, 11, 22, 3, 15, tzinfo=timezone(timedelta(hours=1)))
    entry = Stored(1, at, at, "lifecycle", "", '{"event":"up"}', GENESIS, "")
    text = (
        '{"as_of":"2026-11-22T02:15:00.000000Z","at":"2026-11-22T02:15:00.000000Z","body":{"event":"up"},'
        f'"kind":"lifecycle","previous":"{GENESIS}","seq":1,"subject":""}}'
    )
    assert entry_hash(entry) == hashlib.sha256(text.encode()).hexdigest()
    assert entry_hash(entry) == "17340ce75176e83b0161256515b442d6c3316dbdf403a6131a444b9ede8cbbf9"


@given(
    st.recursive(st.integers() | st.text() | st.booleans() | st.none(), lambda inner: st.dictionaries(st.text(), inner))
)
def test_one_value_has_one_spelling(value: object) -> None:
    text = canonical_json(value)
    assert text.isascii()
    assert canonical_json(json.loads(text)) == text


@pytest.mark.parametrize("value", [1.0, {"a": 0.5}, [{"a": [float("nan")]}]])
def test_floats_have_no_place(value: object) -> None:
    with pytest.raises(ValueError, match="no floats"):
        canonical_json(value)


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        instant(datetime(2026, 1, 1))
    assert instant(datetime(26, 1, 1, tzinfo=UTC)) == "0026-01-01T00:00:00.000000Z"
