"""The state: a night is kept whole or not at all, and what was lost is given back by the manifests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from genuka_pipelines.backups.capturing.state import PLATFORM, Held, Known, State, Stood, forget, open_state, place_key
from genuka_pipelines.backups.digest import Digest
from genuka_pipelines.backups.format.manifest import Manifest, PlaceState, TableState

SHOP = place_key("shop", None)
FIRST, SECOND = "20261122T004500Z", "20261123T004500Z"
COLUMNS = ("id", "l'été 😀")


def first_night(state: State) -> None:
    ours, theirs = state.number("7"), state.number("8'\n")
    state.change(SHOP, "orders", [(ours, Held(3, Digest(5), FIRST)), (theirs, Held(1, Digest(6), FIRST))])
    state.commit(
        captured={PLATFORM: Known(FIRST, ()), ours: Known(FIRST, ()), theirs: Known(FIRST, ())},
        failed=(),
        places={SHOP: {"orders": Stood(COLUMNS, 4, "a.index")}},
        definitions={(SHOP, ours): ("f" * 64, FIRST)},
    )


def test_a_night_is_remembered(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        first_night(state)
    with open_state(tmp_path) as state:
        assert dict(state.numbers) == {None: PLATFORM, "7": 1, "8'\n": 2}
        assert state.tenant(2) == "8'\n"
        assert state.known() == {number: Known(FIRST, ()) for number in range(3)}
        assert state.tables(SHOP) == {"orders": Stood(COLUMNS, 4, "a.index")}
        assert state.files() == {"a.index"}
        assert state.held(SHOP, "orders") == {1: Held(3, Digest(5), FIRST), 2: Held(1, Digest(6), FIRST)}
        assert state.definitions(SHOP) == {1: ("f" * 64, FIRST)}
        assert state.changed() == set()
    assert (tmp_path / "state.sqlite").stat().st_mode & 0o077 == 0


def test_what_a_killed_night_changed_is_forgotten(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        first_night(state)
        state.number("9")
        state.change(SHOP, "orders", [(1, Held(9, Digest(9), FIRST)), (2, None)])
        assert state.of_owner(1) == {(SHOP, "orders"): Held(9, Digest(9), FIRST)}
        assert state.of_owner(2) == {}
        assert state.changed() == {1, 2}
    with open_state(tmp_path) as state:
        assert "9" not in state.numbers
        assert state.of_owner(1) == {(SHOP, "orders"): Held(3, Digest(5), FIRST)}
        with pytest.raises(ZeroDivisionError):
            state.commit(
                captured={1: Known(SECOND, (FIRST,))},
                failed=(1 // number for number in (1, 0)),
                places={},
                definitions={},
            )
    with open_state(tmp_path) as state:
        assert state.known()[1] == Known(FIRST, ())


def test_what_failed_is_to_be_written_whole(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        first_night(state)
        state.change(SHOP, "orders", [(1, Held(4, Digest(1), FIRST)), (2, Held(2, Digest(2), FIRST))])
        state.change(SHOP, "lines", [(2, Held(2, Digest(2), SECOND))])
        state.commit(captured={1: Known(SECOND, (FIRST,))}, failed=[2], places={}, definitions={})
        assert state.held(SHOP, "orders") == {1: Held(4, Digest(1), FIRST)}
        assert state.held(SHOP, "lines") == {}
        assert state.known()[2] == Known(FIRST, ())
        assert state.changed() == set()


def test_a_lost_or_altered_state_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    for damage in (b"", b"no database at all", None):
        with open_state(tmp_path) as state:
            first_night(state)
        index = tmp_path / "a.index"
        index.write_bytes(b"")
        data = path.read_bytes()
        if damage is None:
            forget(tmp_path)
            assert list(tmp_path.iterdir()) == []
        else:
            path.write_bytes(damage or data[:5000] + b"\xff" * (len(data) - 5000))
        with open_state(tmp_path) as state:
            assert state.known() == {}


def test_manifests_give_the_state_back(tmp_path: Path) -> None:
    table = TableState(name="orders", columns=COLUMNS, rows=3, digest=Digest(5).hex, base=FIRST)
    place = {"server": ("MariaDB", "11"), "snapshot": "1", "taken_at": datetime(2026, 11, 23, tzinfo=UTC)}
    shared = PlaceState(system="shop", own=False, definition=FIRST, tables=(table,), **place)
    own = PlaceState(system="shop", own=True, definition=FIRST, tables=(table,), **place)
    manifest = Manifest(
        backup=SECOND, owner="0" * 32, tenant="7", parent=FIRST, chain=(FIRST,),
        created=datetime(2026, 11, 23, tzinfo=UTC), places=(shared, own), packs=(), row_key="0" * 64, tenant_key="k",
    )  # fmt: skip
    with open_state(tmp_path) as state:
        state.learn(manifest)
        assert state.known() == {1: Known(SECOND, (FIRST,), "k")}
        assert state.held(SHOP, "orders") == state.held(place_key("shop", "7"), "orders")
        assert state.held(SHOP, "orders") == {1: Held(3, Digest(5), FIRST)}
        assert state.tables(SHOP) == {"orders": Stood(COLUMNS, 0, None)}
