"""An address is known again by its hash wherever `without` would take it out, and its list says no address."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.restoring.cutting import without_listed
from genuka_pipelines.control import Control, NotOpaque
from genuka_pipelines.control import cuts as cuts_module
from genuka_pipelines.control.cuts import Cut, among, hashed
from genuka_pipelines.keys import open_keyring
from genuka_pipelines.rows.correcting import ERASED, without
from tests.rows.destroyer import keyring

HOUR = timedelta(hours=1)
LETTERS = "aAkK\u212asS\u017fiI\u0130\u0131\u00e9\u00c9.+-"
LOCAL = st.text(LETTERS, min_size=1, max_size=6)
EMAILS = st.builds(lambda local, host: f"{local}@{host}.org", LOCAL, LOCAL)
PHONES = st.builds("{}{}".format, st.sampled_from(["+", "00", "(", "+2 ", ""]), st.integers(10**7, 10**12))
NAMES = st.text(LETTERS + " ", min_size=2, max_size=6)
NEEDLES = st.lists(EMAILS | PHONES | NAMES, min_size=1, max_size=4, unique=True)


def cut(number: int, at: datetime, address: str = "ann@example.org", **changed: str) -> Cut:
    place = {"row": f"{number:064x}", "table": "orders", "column": "note", "system": "genuka_database", **changed}
    return Cut(address=hashed(address, keyring().erasure), at=at, **place)


@given(NEEDLES, NEEDLES, st.data())
def test_what_is_known_by_its_hash_is_cut_as_what_is_known(needles: list[str], others: list[str], data: st.DataObject
                                                           ) -> None:  # fmt: skip
    """In texts that contain some of the addresses in any case, beside others', and in JSON however it is spelled."""
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    parts, cases = [*needles, *others, "@", "+", "x", " "], (str, str.upper, str.lower)
    said = "".join(cases[dice.randrange(3)](dice.choice(parts)) for _ in range(dice.randrange(9)))
    listed = frozenset(hashed(one, keyring().erasure) for one in needles)
    change = without_listed(listed, keyring())
    assert change(said) == without(needles)(said)
    for ascii_only in (True, False):
        value = json.dumps({said: [said, 1, None, {"a": said}]}, ensure_ascii=ascii_only)
        assert change(value) == without(needles)(value)
    assert change(None) is None
    left = change(said) or ""
    assert change(left) == left


def test_no_other_address_and_no_other_key_finds_it(tmp_path: Path) -> None:
    key, other = keyring().erasure, open_keyring(tmp_path / "keys", create=True).erasure
    listed = [hashed("ann@example.org", key)]
    assert among("for ANN@example.org and joann@example.orgs", listed, key) == {"ANN@example.org", "ann@example.org"}
    assert among("an@example.org, ann @example.org", listed, key) == frozenset()
    assert among("ann@example.org", listed, other) == frozenset()
    assert "ann" not in repr(listed)
    for wrong in ("", "ann@" + "a" * 600):
        with pytest.raises(NotOpaque) as refused:
            hashed(wrong, key)
        assert "ann@" not in str(refused.value)
    assert without(["ann@example.org"])("ann@example.org") == ERASED


def test_cuts_come_back_in_their_order_and_the_later_time_counts(
    control: Control, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuts_module, "PAGE", 4)
    listed = [cut(number, now + (number // 5) * HOUR) for number in range(23)]
    control.cuts.record(reversed(listed))
    control.cuts.record([cut(0, now - HOUR), cut(22, now + 9 * HOUR), cut(22, now)])
    control.cuts.record([])
    found = list(control.cuts.since(now - HOUR))
    assert sorted(found, key=lambda one: one.row) == [*listed[:22], cut(22, now + 9 * HOUR)]
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert list(control.cuts.since(now + 9 * HOUR)) == [cut(22, now + 9 * HOUR)]
    places = [{"table": "Orders"}, {"column": "title"}, {"database": "own_01"}, {"address": "Ann Lee"},
              {"address": "00237 6 99"}, {"address": "+237"}, {"address": "Ann"}]  # fmt: skip
    others = [cut(1, now, **place) for place in places]
    control.cuts.record(others)
    assert control.cuts.count() == 23 + len(places)
    assert all(one in list(control.cuts.since(now)) for one in others)
    assert [one.address.mark for one in others[3:]] == [" ", "0", "+", "*"]
