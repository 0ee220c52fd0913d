from __future__ import annotations

import threading
from typing import Any

import pytest

from genuka_pipelines.control import Control, Pace, PaceWrong, open_control


def test_without_a_pace_nothing_is_bound(control: Control) -> None:
    assert control.pace.read() == Pace(False, None, None, None)
    assert control.pace.set() == Pace()


def test_only_what_is_named_changes_and_another_process_sees_it(control: Control, url: str) -> None:
    assert control.pace.set(rows_per_second=500) == Pace(rows_per_second=500)
    assert control.pace.set(paused=True, max_lag_seconds=2.5) == Pace(True, 500, None, 2.5)
    assert control.pace.set(paused=False, rows_per_second=None, batch_rows=100) == Pace(False, None, 100, 2.5)
    with open_control(url) as other:
        assert other.pace.read() == Pace(False, None, 100, 2.5)


def test_two_who_change_it_at_once_do_not_undo_each_other(control: Control) -> None:
    changes: list[dict[str, Any]] = [{"paused": True}, {"rows_per_second": 7}, {"batch_rows": 8}]
    threads = [threading.Thread(target=lambda change=change: control.pace.set(**change)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert control.pace.read() == Pace(True, 7, 8, None)


def test_a_pace_that_is_none_is_refused_and_says_what_to_do(control: Control) -> None:
    none: list[dict[str, Any]] = [
        {"rows_per_second": 0}, {"rows_per_second": -1}, {"batch_rows": 1.5}, {"batch_rows": True},
        {"batch_rows": 2**63}, {"max_lag_seconds": 0}, {"max_lag_seconds": float("nan")},
        {"max_lag_seconds": float("inf")}, {"paused": "no"},
    ]  # fmt: skip
    for change in none:
        with pytest.raises(PaceWrong, match="pause it"):
            control.pace.set(**change)
    assert control.pace.read() == Pace()
