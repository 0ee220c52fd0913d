"""Shares the database fixture with this room's tests."""

from tests.systems.opened import database

__all__ = ["database"]
