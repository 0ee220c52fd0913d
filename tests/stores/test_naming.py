"""Keys: whatever is accepted stays inside its folder, and nothing refused or private is repeated."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.stores.errors import InvalidKey
from genuka_pipelines.stores.naming import Shown, check_key

SHOWN = Shown("france")
wild = st.lists(
    st.sampled_from(["..", ".", ".store", "", "a", "é", "x" * 200, "x" * 201, "\0", "b c", "\ud800", "~"])
    | st.text(max_size=5),
    max_size=8,
).map("/".join)


@given(key=wild)
def test_an_accepted_key_names_one_place_below_the_root(key: str) -> None:
    with suppress(InvalidKey):
        check_key(key, SHOWN)
        _stays_below_the_root(key)


def _stays_below_the_root(key: str) -> None:
    path = PurePosixPath("/root", key)
    assert str(path) == f"/root/{key}"
    assert len(path.parts) == 2 + len(key.split("/"))
    assert not {"..", ".", ".store"} & set(path.parts)
    assert all(0 < len(part.encode()) <= 200 for part in path.parts)


@given(st.lists(st.text("abc.-é日", min_size=1, max_size=9), min_size=1, max_size=5).map("/".join))
def test_ordinary_keys_are_accepted(key: str) -> None:
    if not {".", ".."} & set(key.split("/")):
        assert check_key(key, SHOWN) == key


def test_the_limits_are_exact() -> None:
    longest = "/".join(["x" * 200, "y" * 200, "z" * 200, "é" * 100, "v" * 200, "w" * 19])
    assert len(longest.encode()) == 1024
    assert check_key(longest, SHOWN)
    with pytest.raises(InvalidKey, match="1025 bytes"):
        check_key(longest + "w", SHOWN)
    with pytest.raises(InvalidKey, match="at most 1000 bytes"):
        check_key(longest, SHOWN, longest=1000)


def test_a_refused_key_is_not_repeated() -> None:
    with pytest.raises(InvalidKey) as refused:
        check_key("cv/Awa Mballa/..", SHOWN)
    assert "Awa" not in str(refused.value)
    assert "store france" in str(refused.value)
    assert len(str(refused.value)) < 250


def test_private_keys_show_as_fingerprints() -> None:
    shown = Shown("media", private=True)
    assert "awa" not in shown("cv/awa-mballa.pdf")
    assert shown("cv/awa-mballa.pdf") == shown("cv/awa-mballa.pdf") != shown("cv/other.pdf")
    assert shown("\ud800").startswith("object #")
    assert SHOWN("v1/e/3") == "object 'v1/e/3' of store france"
