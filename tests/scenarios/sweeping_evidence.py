"""Opens the roots in the ledger: which rows each outcome speaks of, so that each can be looked for in all of them.

The ledger keeps only counts and roots. Every root is noted with its rows while it is computed, in whichever
process; a root that nobody computed here, or a row in two outcomes, is a false entry.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from genuka_pipelines.control.bodies import Done, Planned
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.where import UNIT
from tests.scenarios.sweeping_model import Key
from tests.scenarios.sweeping_world import World


class Journal:
    """The rows of every root, by root: each row as its table and the parts of its key."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = file
        file.touch()
        whole = Hasher.root

        def noted(hasher: Hasher, table: str, keys: Sequence[tuple[str, ...]]) -> str:
            root = whole(hasher, table, keys)
            line = json.dumps([root, [UNIT.join((table, *key)) for key in keys]]) + "\n"
            with open(self._file, "ab", buffering=0) as stream:  # noqa: PTH123 - one write, whole even if killed
                os.write(stream.fileno(), line.encode())
            return root

        monkeypatch.setattr(Hasher, "root", noted)

    def rows(self, root: str) -> list[str]:
        """The rows of a root that somebody here computed."""
        noted = dict(json.loads(line) for line in self._file.read_text().splitlines())
        return list(noted[root])


def check_ledger(world: World, journal: Journal, gone: dict[str, set[Key]], *, after: int = 0) -> int:
    """Each row that went (keys by table) is in exactly one outcome and no other is; how many outcomes there are."""
    ledger = world.runtime.control.ledger
    assert ledger.open_intents() == ()
    assert ledger.verify().problems == ()
    bodies = {entry.seq: entry.body for entry in ledger.entries(after)}
    meant = {seq: body for seq, body in bodies.items() if isinstance(body, Planned) and body.verb == "delete"}
    outcomes = [body for body in bodies.values() if isinstance(body, Done) and body.intent in meant]
    said: Counter[str] = Counter()
    for body in outcomes:
        rows = journal.rows(body.root)
        assert len(rows) == body.count <= meant[body.intent].count
        assert set(rows) <= set(journal.rows(meant[body.intent].root)), "more went than was meant"
        said.update(rows)
    assert [row for row, times in said.items() if times > 1] == [], "a row is in two outcomes"
    assert set(said) == {UNIT.join((table, *key)) for table, keys in gone.items() for key in keys}
    assert len(meant) == len(outcomes)
    return len(outcomes)
