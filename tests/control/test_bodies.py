from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.control import (
    Absence,
    Anchored,
    Body,
    BudgetDebited,
    Check,
    DeliveryDownloaded,
    DeliveryMade,
    DeliveryWithdrawn,
    Done,
    ErasuresPublished,
    ExportMade,
    HoldPlaced,
    HoldReleased,
    HoldRenewed,
    KeyShredded,
    LedgerDamaged,
    Lifecycle,
    NoticeIssued,
    NotOpaque,
    Observation,
    Planned,
    Pruned,
    RecoveryInstructed,
    ReleaseStored,
    Restored,
    Seeded,
    ShreddingAnnounced,
    StagedShard,
    Staging,
    Switched,
)
from genuka_pipelines.control.bodies import (
    KINDS,
    RecipientNotice,
    RequestMoved,
    RequestOpened,
    ValuesChanged,
    read_body,
)

HASH = "a" * 64
EVERY_KIND: list[Body] = [
    Observation(
        category="genuka/sessions", rows={"sessions": 3, "tokens": None}, due={"genuka/sessions.0": 1},
        oldest=date(2025, 2, 28),
    ),
    Check(
        asset="genuka/sessions", check="nothing_overdue", clauses=("GK-36",), passed=True, severity="error",
        counts={"overdue": 0},
    ),
    Staging(
        product="genuka", table="orders", columns=("id", "total"),
        shards={"07": StagedShard(rows=2, sha256=HASH)},
    ),
    Anchored(head=4, head_hash=HASH, stores=("france", "usa"), day=date(2026, 11, 22)),
    Seeded(companies=120, days=30, seed=7, rows={"genuka/orders": 10}),
    Lifecycle(event="go_live"),
    Switched(capability="retention_sweep", on=True),
    HoldPlaced(hold="kxwqzbtdrmnp", measure="dispute", scope="row", digest=HASH),
    HoldRenewed(
        hold="kxwqzbtdrmnp", measure="restriction", scope="category", category="genuka/a", until=date(2027, 2, 28)
    ),
    HoldReleased(hold="kxwqzbtdrmnp", measure="security", scope="tenant", digest=HASH),
    NoticeIssued(rule="genuka/dedicated_databases:last_use", tenant=HASH, days=30, due=date(2027, 2, 28)),
    Pruned(through=7, last_hash=HASH, count=7, before=date(2021, 11, 22)),
    Planned(rule="genuka/sessions:ended_at", table="sessions", count=5, root=HASH),
    Done(intent=7, rule="genuka/sessions:ended_at", table="sessions", count=5, root=HASH),
    Absence(epoch=date(2026, 11, 2), region="france", objects=9, bytes=2**40),
    ShreddingAnnounced(owner="b" * 32, by=HASH),
    KeyShredded(owner="b" * 32, announced=3, by=HASH, found={"france": HASH, "usa": None}),
    ErasuresPublished(number=3, sha256=HASH, rows=9, regions=("france", "usa")),
    RecoveryInstructed(owner="b" * 32, by=HASH),
    Restored(
        scope="tenant", owner="b" * 32, captured=datetime(2026, 11, 22, tzinfo=UTC), tables=3, rows=9, erased=1,
        swept=2, kept=0, undone=0, recovered=0, list_head=7, list_sha256=HASH,
    ),
    BudgetDebited(
        table="visits_daily", period="2026-10-31", spec="0" * 16, units="device_day", year=2026, rho=10**9, delta=0
    ),
    ReleaseStored(table="orders_weekly", period="2026-W44", spec="a" * 16, sha256=HASH),
    ExportMade(
        delivery=HASH, tables=3, rows=10, media=2, excluded=1, captured=datetime(2026, 11, 22, tzinfo=UTC), plain=HASH
    ),
    DeliveryMade(delivery=HASH, what="tenant_archive", sha256=HASH, size=10, expires=date(2026, 12, 22)),
    DeliveryDownloaded(delivery=HASH, downloads=1),
    DeliveryWithdrawn(delivery=HASH, why="expired"),
    RequestOpened(
        request="bcdfghjkmnpq", asked="erasure", channel="email", arrived=date(2026, 11, 20), due=date(2026, 12, 20)
    ),
    RequestMoved(
        request="bcdfghjkmnpq", asked="erasure", before="approved", after="refused", why="nothing_found",
        due=date(2026, 12, 20), preview=HASH,
    ),
    ValuesChanged(
        request="bcdfghjkmnpq", category="genuka/a", table="users", column="email", count=1, before=HASH, after=HASH
    ),
    RecipientNotice(
        request="bcdfghjkmnpq", asked="erasure", recipient="stripe", how="procedure", state="impossible", why="gone"
    ),
]  # fmt: skip


def test_every_kind_is_exercised() -> None:
    assert {body.kind for body in EVERY_KIND} == set(KINDS)


@pytest.mark.parametrize("body", EVERY_KIND, ids=lambda body: body.kind)
def test_a_body_reads_back_as_it_was_written(body: Body) -> None:
    assert read_body(body.kind, body.canonical(), 1) == body
    assert len(body.subject) <= 190


PERSONAL = st.one_of(
    st.emails(),
    st.from_regex(r"\+?[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]?[0-9]{2}", fullmatch=True),
    st.text(min_size=1).filter(lambda text: not text.isascii()),
    st.from_regex(r"[A-Z][a-z]+ [A-Z][a-z]+", fullmatch=True),
    st.sampled_from(
        [
            "Aïcha N'Diaye",
            "4111111111111111",
            "12 rue de la Paix",
            "a\n",
            "jean@exemple",
            "",
            "237-699-11-22-33",
            "tel-237-699-11-22-33",
            "card_4111111111111111",
            "orders/2376991122",
        ]
    ),
)
PLACES: list[tuple[type[Body], dict[str, Any], str]] = [
    (Observation, {"category": "genuka/a", "rows": {}}, "category"),
    (Check, {"asset": "genuka/a", "check": "q", "passed": True, "severity": "warn"}, "asset"),
    (Check, {"asset": "genuka/a", "check": "q", "passed": True, "severity": "warn"}, "check"),
    (Check, {"asset": "genuka/a", "check": "q", "passed": True, "severity": "warn"}, "severity"),
    (Staging, {"product": "g", "table": "t", "columns": (), "shards": {}}, "table"),
    (HoldPlaced, {"hold": "h", "measure": "hold", "scope": "row"}, "hold"),
    (HoldPlaced, {"hold": "h", "measure": "hold", "scope": "row"}, "measure"),
    (HoldPlaced, {"hold": "h", "measure": "hold", "scope": "row"}, "digest"),
    (HoldPlaced, {"hold": "h", "measure": "hold", "scope": "row"}, "category"),
    (NoticeIssued, {"rule": "r", "tenant": HASH, "days": 1, "due": date(2027, 2, 28)}, "tenant"),
    (NoticeIssued, {"rule": "r", "tenant": HASH, "days": 1, "due": date(2027, 2, 28)}, "due"),
    (Switched, {"capability": "c", "on": True}, "capability"),
    (ShreddingAnnounced, {"owner": "b" * 32, "by": HASH}, "owner"),
    (ShreddingAnnounced, {"owner": "b" * 32, "by": HASH}, "by"),
    (ReleaseStored, {"table": "t", "period": "2026-10", "spec": "a" * 16, "sha256": HASH}, "table"),
    (ReleaseStored, {"table": "t", "period": "2026-10", "spec": "a" * 16, "sha256": HASH}, "period"),
    (ReleaseStored, {"table": "t", "period": "2026-10", "spec": "a" * 16, "sha256": HASH}, "spec"),
    (Planned, {"rule": "r", "table": "t", "count": 0, "root": HASH}, "rule"),
    (Planned, {"rule": "r", "table": "t", "count": 0, "root": HASH}, "root"),
    (Planned, {"rule": "r", "table": "t", "count": 0, "root": HASH}, "count"),
]


@given(PERSONAL, st.sampled_from(PLACES), st.booleans())
def test_nothing_about_a_person_fits_and_no_refusal_repeats_it(
    value: str, place: tuple[type[Body], dict[str, Any], str], as_json: bool
) -> None:
    shape, fields, name = place
    with pytest.raises(NotOpaque) as refusal:
        shape(**{**fields, name: value})
    assert name in str(refusal.value)
    assert len(value) < 5 or value not in str(refusal.value)
    assert refusal.value.__context__ is None or value not in repr(refusal.value.__context__)


@given(PERSONAL)
def test_no_key_of_a_mapping_carries_it_either(value: str) -> None:
    for give in (
        lambda: Observation(category="genuka/a", rows={value: 1}),
        lambda: Check(asset="a", check="q", passed=True, severity="warn", counts={value: 1}),
        lambda: Staging(product="g", table="t", columns=("id",), shards={value: StagedShard(rows=1, sha256=HASH)}),
        lambda: Lifecycle(**{"event": "up", value or "x": "y"}),
    ):
        with pytest.raises(NotOpaque) as refusal:
            give()
        assert len(value) < 5 or value not in str(refusal.value)


@pytest.mark.parametrize("count", [-1, 1.5, True, "3", 2**63])
def test_a_count_is_a_count(count: Any) -> None:
    with pytest.raises(NotOpaque, match="count"):
        Planned(rule="r", table="t", count=count, root=HASH)


@pytest.mark.parametrize(("kind", "text"), [("rumour", "{}"), ("lifecycle", "{}"), ("lifecycle", "not json")])
def test_a_body_nobody_knows_is_damage_not_a_traceback(kind: str, text: str) -> None:
    with pytest.raises(LedgerDamaged, match="entry 12 "):
        read_body(kind, text, 12)
