"""One control database for each file of tests, and facts of the test servers."""

from __future__ import annotations

from tests.rows.destroyer import control

__all__ = ["control"]
