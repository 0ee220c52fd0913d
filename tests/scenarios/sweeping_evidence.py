"""Opens the roots in the ledger: which rows each outcome speaks of, so that each can be looked for in all of them.

The ledger keeps only counts and Merkle roots. Every root is noted with its leaves while it is computed, in
whichever process; a root that nobody computed here, or a leaf in two outcomes, is a false entry.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from genuka_pipelines.control import merkle_root
from genuka_pipelines.control.bodies import Done, Planned
from genuka_pipelines.rows.destroying import evidence
from genuka_pipelines.rows.where import UNIT
from tests.scenarios.sweeping_model import Key
from tests.scenarios.sweeping_world import World


class Journal:
    """The leaves of every root, by root."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = file
        file.touch()
        monkeypatch.setattr(evidence, "merkle_root", self._noted)

    def _noted(self, leaves: Iterable[bytes]) -> str:
        listed = list(leaves)
        root = merkle_root(listed)
        line = json.dumps([root, [leaf.hex() for leaf in listed]]) + "\n"
        with open(self._file, "ab", buffering=0) as stream:  # noqa: PTH123 - one write, whole even if killed
            os.write(stream.fileno(), line.encode())
        return root

    def leaves(self, root: str) -> list[str]:
        """The leaves of a root that somebody here computed."""
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
        leaves = journal.leaves(body.root)
        assert len(leaves) == body.count <= meant[body.intent].count
        assert set(leaves) <= set(journal.leaves(meant[body.intent].root)), "more went than was meant"
        said.update(leaves)
    assert [leaf for leaf, times in said.items() if times > 1] == [], "a row is in two outcomes"
    assert set(said) == _hashes(world.runtime.keyring.erasure.digest, gone)
    assert len(meant) == len(outcomes)
    return len(outcomes)


def _hashes(digest: Callable[[bytes], bytes], gone: dict[str, set[Key]]) -> set[str]:
    return {digest(UNIT.join((table, *key)).encode()).hex() for table, keys in gone.items() for key in keys}
