"""A house for the destroyer: real facts, a real control database and keys, and any database to destroy in."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.control import Control, open_control
from genuka_pipelines.keys import Keyring, open_keyring
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Limits, Line, Outcome, apply
from genuka_pipelines.rows.selection import Due, Selection
from tests.rows.shop import AS_OF
from tests.servers import fresh_control

QUICK = Limits(lease=timedelta(seconds=10))


def wall() -> datetime:
    return datetime.now(UTC)


@dataclass
class SmallHouse:
    """What `apply` needs of a house."""

    catalog: Catalog
    control: Control
    keyring: Keyring
    opened: Databases

    def databases(self, system: str) -> Databases:
        assert system == self.opened.name
        return self.opened

    def apply(self, selection: Selection | None = None, **options: Any) -> Outcome:
        as_of = options.pop("as_of", AS_OF)
        options.setdefault("limits", QUICK)
        return apply(selection or Due(None, as_of), self, self.opened.name, as_of=as_of, clock=wall, **options)


@functools.cache
def keyring() -> Keyring:
    """One keyring for all tests."""
    return open_keyring(Path(tempfile.mkdtemp(prefix="gkk")) / "keys", create=True)


@contextmanager
def control_database() -> Iterator[Control]:
    """A control database of its own."""
    with ExitStack() as stack:
        url = stack.enter_context(fresh_control())
        control: Any = stack.enter_context(open_control(url.render_as_string(hide_password=False)))
        yield control


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    """One control database for a module."""
    with control_database() as found:
        yield found


def by_name(outcome: Outcome) -> dict[str, Line]:
    """The lines of the shared database, by `table.rule`."""
    return {f"{line.table}.{line.rule}": line for line in outcome.lines if line.database is None}
