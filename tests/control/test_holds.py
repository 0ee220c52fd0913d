from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.control import (
    CategoryScope,
    Control,
    HoldPlaced,
    HoldReleased,
    HoldRenewed,
    HoldUnclear,
    HoldUnknown,
    NotOpaque,
    Planned,
    RowScope,
    Scope,
    SubjectScope,
    TenantScope,
)
from genuka_pipelines.keys import Keyring, Undecryptable, open_keyring
from tests.control.retention import place
from tests.control.servers import Server, database_of

EMAIL = "aicha.ndiaye@exemple.cm"
SCOPES: list[Scope] = [
    RowScope("orders", ("42",), "genuka_database"),
    RowScope("order_items", ("42", "é\x1f\U0001f600")),
    SubjectScope({"shopper": (EMAIL, "42"), "user": ("7",)}),
    TenantScope("01JD3ZP0W0000000000000000A"),
    CategoryScope("genuka/session_recordings"),
]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return open_keyring(tmp_path_factory.mktemp("home") / "keys", create=True)


def test_without_holds_nothing_binds(control: Control, now: datetime) -> None:
    assert control.holds.live(now) == control.holds.expired(now) == control.holds.all() == ()
    with control.holds.gate(now) as live:
        assert list(live) == []


def test_every_scope_comes_back_as_it_was_given(control: Control, keys: Keyring, now: datetime) -> None:
    for scope in SCOPES:
        place(control, keys, scope, expires_at=now + DAY)
    with control.holds.gate(now) as live:
        opened = [hold.opened(keys) for hold in live]
    assert len(opened) == len(SCOPES)
    for scope in SCOPES:
        wanted: Scope = scope
        if isinstance(scope, SubjectScope):
            wanted = SubjectScope({kind: tuple(sorted(values)) for kind, values in scope.keys.items()})
        assert wanted in opened
    first = control.holds.all()[0]
    assert (first.kind, first.reason, first.reference, first.author) == (
        "dispute", "legal_claim", "case/2026-7", "staff:4",
    )  # fmt: skip
    assert (first.expires_at, first.released_at, first.released_by) == (now + DAY, None, None)


def test_a_hold_binds_until_it_is_released(control: Control, keys: Keyring, now: datetime) -> None:
    one, other = (place(control, keys, SCOPES[0]), place(control, keys, SCOPES[0], kind="restriction"))
    assert {hold.id for hold in control.holds.live(now + 9999 * DAY)} == {one.id, other.id}
    released = control.holds.release(one.id, by="staff:9", now=now)
    assert (released.released_at, released.released_by) == (now, "staff:9")
    # Two on the same row: the other goes on binding.
    assert [hold.id for hold in control.holds.live(now)] == [other.id]
    for gone in (one.id, "neverwas"):
        with pytest.raises(HoldUnknown, match="list the holds"):
            control.holds.release(gone, by="staff:9", now=now)
        with pytest.raises(HoldUnknown):
            control.holds.renew(gone, expires_at=None, by="staff:9", now=now)
    assert [hold.id for hold in control.holds.all()] == [one.id, other.id]


def test_an_expired_hold_binds_no_more_and_is_named_until_somebody_decides(
    control: Control, keys: Keyring, now: datetime
) -> None:
    ended = place(control, keys, SCOPES[3], kind="security", expires_at=now + DAY)
    place(control, keys, SCOPES[4])
    just_before = now + DAY - timedelta(microseconds=1)
    assert (len(control.holds.live(just_before)), control.holds.expired(just_before)) == (2, ())
    assert len(control.holds.live(now + DAY)) == 1
    assert [hold.id for hold in control.holds.expired(now + DAY)] == [ended.id]
    renewed = control.holds.renew(ended.id, expires_at=now + 3 * DAY, by="staff:9", now=now)
    assert (renewed.expires_at, renewed.renewed_by, renewed.author) == (now + 3 * DAY, "staff:9", "staff:4")
    assert (len(control.holds.live(now + 2 * DAY)), control.holds.expired(now + 2 * DAY)) == (2, ())
    control.holds.renew(ended.id, expires_at=None, by="staff:9", now=now)
    assert len(control.holds.live(now + 9999 * DAY)) == 2
    control.holds.renew(ended.id, expires_at=now + DAY, by="staff:9", now=now)
    control.holds.release(ended.id, by="staff:9", now=now)
    assert control.holds.expired(now + 2 * DAY) == ()


def test_the_ledger_says_what_happened_and_to_whom_only_as_a_hash(
    control: Control, keys: Keyring, now: datetime
) -> None:
    for scope in SCOPES:
        place(control, keys, scope)
    hold = control.holds.all()[0].id
    control.holds.renew(hold, expires_at=now + DAY, by="staff:9", now=now)
    control.holds.release(hold, by="staff:9", now=now)
    bodies = [entry.body for entry in control.ledger.entries()]
    placed = [body for body in bodies if isinstance(body, HoldPlaced)]
    row = keys.erasure.hex(b"orders\x1f42")
    assert [(body.scope, body.category) for body in placed] == [
        ("row", None), ("row", None), ("subject", None), ("tenant", None), ("category", "genuka/session_recordings"),
    ]  # fmt: skip
    assert placed[0].digest == row, "the name that the row has in every other list"
    assert [body.digest is None for body in placed] == [False, False, False, False, True]
    assert bodies[5:] == [
        HoldRenewed(hold=hold, measure="dispute", scope="row", digest=row, until=(now + DAY).date()),
        HoldReleased(hold=hold, measure="dispute", scope="row", digest=row, until=(now + DAY).date()),
    ]
    assert "01JD3" not in "".join(body.canonical() for body in bodies)
    assert control.ledger.verify().intact


def test_a_refused_change_leaves_no_trace(control: Control, keys: Keyring, now: datetime) -> None:
    with pytest.raises(HoldUnclear, match="end after it begins"):
        place(control, keys, SCOPES[0], expires_at=now - DAY)
    with pytest.raises(Exception, match="set the clock"):
        place(control, keys, SCOPES[0], now=now + DAY)
    hold = place(control, keys, SCOPES[0])
    with pytest.raises(HoldUnclear):
        control.holds.renew(hold.id, expires_at=now, by="staff:9", now=now)
    assert len(control.holds.all()) == control.ledger.head().seq == 1


def test_a_hold_on_nobody_is_refused(control: Control, keys: Keyring) -> None:
    nobody: list[Scope] = [
        RowScope("orders", ()), RowScope("orders", ("",)),
        SubjectScope({}), SubjectScope({"user": ()}), SubjectScope({"user": ("7", "")}),
    ]  # fmt: skip
    for scope in nobody:
        with pytest.raises(HoldUnclear, match="say whom"):
            place(control, keys, scope)


FREE_TEXT: list[tuple[Scope, dict[str, Any]]] = [
    (RowScope(EMAIL, ("42",)), {}), (RowScope("orders", ("42",), EMAIL), {}), (SubjectScope({EMAIL: ("7",)}), {}),
    (TenantScope(EMAIL), {}), (TenantScope(""), {}), (CategoryScope(EMAIL), {}),
    (SCOPES[0], {"reference": f"complaint of {EMAIL}"}), (SCOPES[0], {"author": EMAIL}),
    (SCOPES[0], {"reason": EMAIL}), (SCOPES[0], {"kind": EMAIL}),
]  # fmt: skip


def test_no_free_text_about_a_person_fits(control: Control, keys: Keyring, now: datetime) -> None:
    for scope, given in FREE_TEXT:
        with pytest.raises(NotOpaque, match="a hold") as refusal:
            place(control, keys, scope, **given)
        assert "aicha" not in str(refusal.value) + repr(refusal.value.__context__)
    hold = place(control, keys, SCOPES[0])
    with pytest.raises(NotOpaque, match="a hold's change") as refusal:
        control.holds.release(hold.id, by=EMAIL, now=now)
    assert "aicha" not in str(refusal.value)


def test_nothing_personal_in_any_repr(control: Control, keys: Keyring) -> None:
    for scope in (RowScope("users", (EMAIL,)), SubjectScope({"user": (EMAIL,)})):
        hold = place(control, keys, scope)
        assert "aicha" not in repr([scope, hold, hold.opened(keys), control.holds.all()])


def test_a_scope_opens_for_its_own_hold_and_its_own_keys(
    server: Server, control: Control, url: str, keys: Keyring, tmp_path: Path
) -> None:
    one, other = (place(control, keys, RowScope("orders", (key,))) for key in ("1", "2"))
    stranger = open_keyring(tmp_path / "keys", create=True)
    with pytest.raises(Undecryptable, match=f"hold {one.id}"):
        one.opened(stranger)
    server.run(
        database_of(url),
        "UPDATE holds SET sealed = (SELECT s FROM (SELECT sealed AS s FROM holds WHERE id = "
        f"'{other.id}') AS swapped) WHERE id = '{one.id}'",
    )
    (moved,) = [hold for hold in control.holds.all() if hold.id == one.id]
    with pytest.raises(Undecryptable):
        moved.opened(keys)


def test_sealed_keys_are_nowhere_in_the_servers_files(
    server: Server, control: Control, url: str, keys: Keyring, now: datetime
) -> None:
    """The heap, the logs, the redo: a dump holds no more than they do."""
    marks = [f"planted-{n}@{now:%H%M%S%f}.cm" for n in range(3)]
    tenant = f"T{now:%H%M%S%f}"
    place(control, keys, RowScope("users", (marks[0],)))
    place(control, keys, SubjectScope({"shopper": (marks[1],)}))
    place(control, keys, TenantScope(tenant))
    planned = Planned(rule="r", table="t", count=1, root="a" * 64)
    control.ledger.intend(planned, as_of=now, now=now, sealed=keys.seal(marks[2].encode(), "intent"))
    flush, where = {
        "postgresql": ("CHECKPOINT", "SHOW data_directory"),
        "mysql": ("SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0", "SELECT @@datadir"),
    }[server.dialect]
    server.run(database_of(url), flush)
    ((folder,),) = server.run(database_of(url), where)
    held = dict.fromkeys([*marks, tenant], 0)
    for path in Path(str(folder)).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for mark in held:
                held[mark] += data.count(mark.encode())
    assert held[tenant] > 0, "what is kept in clear must be found, or the search finds nothing at all"
    assert [held[mark] for mark in marks] == [0, 0, 0]
