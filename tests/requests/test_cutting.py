"""What others' texts say of somebody who was erased is listed before it is cut, and the list names nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from genuka_pipelines.control.cuts import Cuts
from genuka_pipelines.requests import erasing
from genuka_pipelines.rows.correcting import ERASED
from tests.requests.desk import Desk

LEAVER = "Ann@exämple.org"
SAID = "ask ann@exämple.org, ANN@XN--EXMPLE-CUA.ORG or joan@example.org"


def _mentioned(desk: Desk) -> str:
    """A person with an address, whom the message of another mentions in both of its spellings; the message's key."""
    key, other, *_ = sorted(desk.world.ids("select id from contact_requests"))
    desk.world.run(f"update contact_requests set email = '{LEAVER}' where id = '{key}'")
    desk.world.run(f"update contact_requests set message = '{SAID}' where id = '{other}'")
    return other


def test_an_address_is_cut_in_all_its_spellings_and_listed_as_hashes(each_desk: Desk) -> None:
    desk, control = each_desk, each_desk.house.control
    other = _mentioned(desk)
    done = desk.all("erasure", LEAVER).done
    assert (done["cut"], done["deleted"]) == (1, 1)
    (text,) = desk.world.ids(f"select message from contact_requests where id = '{other}'")
    assert text == f"ask {ERASED}, {ERASED} or joan@example.org"
    listed = list(control.cuts.since(desk.world_began))
    assert {(one.table, one.column, one.row) for one in listed} == {
        ("contact_requests", "message", desk.house.keyring.erasure.hex(f"contact_requests\x1f{other}".encode()))
    }
    assert sorted(one.address.length for one in listed) == [len("ann@exämple.org"), len("ann@xn--exmple-cua.org")]
    assert "ann" not in repr(listed).lower()


def test_killed_before_the_cut_it_is_listed_and_the_next_run_counts_from_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _mentioned(desk)
    request = desk.identified("erasure", LEAVER)
    desk.approve(request)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "correct", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.run(request)
    assert desk.world.ids(f"select message from contact_requests where id = '{other}'") == {SAID}
    cuts: Cuts = desk.house.control.cuts
    first = list(cuts.since(desk.world_began))
    assert len(first) == 2
    assert desk.run(request).done["cut"] == 1
    assert [one.id for one in cuts.since(first[0].at + timedelta(microseconds=1))]
    assert cuts.count() == 2
