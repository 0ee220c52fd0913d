from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from genuka_pipelines.control import ClockAhead, Control, NoticeIssued, NoticeUnknown, NotOpaque
from genuka_pipelines.keys import Keyring, open_keyring

RULE = "genuka/dedicated_databases:last_use"
TENANT = "01JD3ZP0W0000000000000000A"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return open_keyring(tmp_path_factory.mktemp("home") / "keys", create=True)


def test_each_notice_goes_once(control: Control, keys: Keyring, now: datetime) -> None:
    due = now + 30 * DAY
    assert control.notices.issued(RULE, TENANT) == control.notices.waiting() == ()
    assert control.notices.issue(RULE, TENANT, days=30, due_at=due, now=now, keys=keys)
    assert not control.notices.issue(RULE, TENANT, days=30, due_at=due, now=now, keys=keys)
    assert control.notices.issue(RULE, TENANT, days=7, due_at=due, now=now, keys=keys)
    assert control.notices.issue(RULE, "other", days=30, due_at=due - DAY, now=now, keys=keys)
    assert [(each.days, each.due_at, each.sent_at) for each in control.notices.issued(RULE, TENANT)] == [
        (30, due, None), (7, due, None),
    ]  # fmt: skip
    assert [(each.subject, each.days) for each in control.notices.waiting()] == [
        ("other", 30), (TENANT, 30), (TENANT, 7),
    ]  # fmt: skip
    assert control.notices.issued("genuka/other", TENANT) == ()


def test_a_tenant_whose_end_moved_is_warned_anew(control: Control, keys: Keyring, now: datetime) -> None:
    for due in (now + 30 * DAY, now + 90 * DAY):
        assert control.notices.issue(RULE, TENANT, days=30, due_at=due, now=now, keys=keys)
    assert len(control.notices.issued(RULE, TENANT)) == 2


def test_the_mailer_confirms_each_once(control: Control, keys: Keyring, now: datetime) -> None:
    control.notices.issue(RULE, TENANT, days=1, due_at=now + DAY, now=now, keys=keys)
    (waiting,) = control.notices.waiting()
    control.notices.sent(waiting.id, now=now)
    assert control.notices.waiting() == ()
    assert control.notices.issued(RULE, TENANT)[0].sent_at == now
    for gone in (waiting.id, "f" * 64):
        with pytest.raises(NoticeUnknown, match="waits to be sent"):
            control.notices.sent(gone, now=now)


def test_the_ledger_names_the_tenant_by_a_hash(control: Control, keys: Keyring, now: datetime) -> None:
    control.notices.issue(RULE, TENANT, days=30, due_at=now + 30 * DAY, now=now, keys=keys)
    (entry,) = control.ledger.entries()
    hashed = keys.erasure.hex(f"tenant\x1f{TENANT}".encode())
    assert entry.body == NoticeIssued(rule=RULE, tenant=hashed, days=30, due=(now + 30 * DAY).date())
    assert control.ledger.latest(NoticeIssued, hashed) == (entry,)


def test_two_sweeps_at_once_issue_one(control: Control, keys: Keyring, now: datetime) -> None:
    said: list[bool] = []

    def issue() -> None:
        said.append(control.notices.issue(RULE, TENANT, days=7, due_at=now + 7 * DAY, now=now, keys=keys))

    threads = [threading.Thread(target=issue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [False, False, False, True]
    assert control.ledger.head().seq == 1


def test_a_refused_notice_leaves_no_trace(control: Control, keys: Keyring, now: datetime) -> None:
    for rule, tenant, days in (("a b", TENANT, 1), (RULE, "aicha@exemple.cm", 1), (RULE, TENANT, -1)):
        with pytest.raises(NotOpaque) as refusal:
            control.notices.issue(rule, tenant, days=days, due_at=now, now=now, keys=keys)
        assert "aicha" not in str(refusal.value)
    with pytest.raises(ClockAhead):
        control.notices.issue(RULE, TENANT, days=1, due_at=now, now=now + DAY, keys=keys)
    assert control.notices.waiting() == ()
    assert control.ledger.head().seq == 0
