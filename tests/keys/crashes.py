"""A process that dies at its n-th step, for every n."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest


class Killed(BaseException):
    """Nothing may catch it, as nothing catches `kill -9`."""


def killed_at_each_step(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> Iterator[int]:
    """Runs `work` again and again, dying before its 1st, 2nd … durable step; yields after each death."""
    fsync = os.fsync
    for step in range(1, 100):
        left = [step]

        def dying(handle: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            fsync(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", dying)
            try:
                work()
            except Killed:
                pass
            else:
                return
        yield step
    pytest.fail("the work never ended")
