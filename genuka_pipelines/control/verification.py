"""Finds what somebody did to the ledger.

The chain alone shows an entry that was altered, removed or put in; only signed anchors show a chain
that was shortened or rewritten throughout. Reads a stream, so a long ledger costs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter

from genuka_pipelines.control.anchor import Anchor, VerifySignature
from genuka_pipelines.control.beginning import FROM_THE_START, Beginning
from genuka_pipelines.control.bodies import Done, Planned
from genuka_pipelines.control.canonical import Stored, entry_hash
from genuka_pipelines.control.entry import Head

NAMED = 1_000
"""Problems named at most; the rest are counted."""
_KIND = re.compile(r"[a-z_]+")


class Fault(StrEnum):
    """What was done to an entry."""

    CHANGED = "changed"
    REWRITTEN = "rewritten"
    MISSING = "missing"
    TRUNCATED = "truncated"
    INSERTED = "inserted"
    HEAD_DIFFERS = "head_differs"
    PRUNED_EARLY = "pruned_early"
    INTENT_STATE_DIFFERS = "intent_state_differs"
    ANCHOR_DIFFERS = "anchor_differs"
    ANCHOR_FORGED = "anchor_forged"


_SENTENCES = {
    Fault.CHANGED: "was changed: its content no longer has its hash",
    Fault.REWRITTEN: "was replaced: its successor names another hash",
    Fault.MISSING: "was removed",
    Fault.TRUNCATED: "was cut off the end",
    Fault.INSERTED: "was put in by something else than this program",
    Fault.HEAD_DIFFERS: "is not what the record of the ledger's end says",
    Fault.PRUNED_EARLY: "was removed before its time",
    Fault.INTENT_STATE_DIFFERS: "is an intention whose open or closed state was altered",
    Fault.ANCHOR_DIFFERS: "is not what was anchored: the chain was rewritten up to there",
    Fault.ANCHOR_FORGED: "has an anchor that we did not sign",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Entry `seq`, or the entries from `seq` to `last`, and what was done to them."""

    seq: int
    what: Fault
    last: int

    def __str__(self) -> str:
        which = f"entry {self.seq}" if self.last == self.seq else f"entries {self.seq} to {self.last}, each"
        return f"{which} {_SENTENCES[self.what]}"


@dataclass(frozen=True, slots=True)
class Verification:
    """How many entries were read, and what is wrong. `found` counts the problems beyond those named."""

    entries: int
    problems: tuple[Problem, ...]
    found: int

    @property
    def intact(self) -> bool:
        """Whether every entry is what was written."""
        return self.found == 0


@dataclass(slots=True)
class _Findings:
    named: list[Problem] = field(default_factory=list)
    found: int = 0

    def add(self, what: Fault, seq: int, last: int | None = None) -> None:
        self.found += 1
        if len(self.named) < NAMED:
            self.named.append(Problem(seq, what, seq if last is None else last))


def examine(
    stored: Iterable[Stored],
    *,
    head: Head | None,
    open_intents: Collection[int],
    anchors: Iterable[Anchor] = (),
    verify_signature: VerifySignature | None = None,
    beginning: Beginning = FROM_THE_START,
) -> Verification:
    """Reads entries in order of `seq` and compares them with themselves, the head and the anchors.

    `head` is None when its record is gone; `beginning` is what the last pruning left, as the chain's own
    entry says. A pure function of what the tables and the stores hold.
    """
    findings = _Findings()
    chain = _Chain(findings, beginning)
    trusted = _Anchors(anchors, verify_signature, findings, beginning)
    intents: set[int] = set()
    for entry in stored:
        chain.read(entry)
        trusted.compare(entry.seq, entry.hash)
        if entry.kind == Planned.kind:
            intents.add(entry.seq)
        elif entry.kind == Done.kind and entry.subject.isdigit():
            intents.discard(int(entry.subject))
    chain.end(head, trusted.last)
    for seq in sorted(intents ^ set(open_intents)):
        findings.add(Fault.INTENT_STATE_DIFFERS, seq)
    return Verification(chain.entries, tuple(sorted(findings.named, key=attrgetter("seq"))), findings.found)


class _Chain:
    """Follows the links from one entry to the next.

    Where a link is broken and both ends have their own hash, the earlier one is `doubtful`: it is
    blamed, unless the next link is broken too, which shows that the entry between them was replaced.
    """

    def __init__(self, findings: _Findings, beginning: Beginning) -> None:
        self.findings, self.entries = findings, 0
        self.seq, self.hash = beginning.seq, beginning.hash
        self.first = beginning.seq + 1
        self.last_named = False
        self.doubtful: int | None = None

    def read(self, entry: Stored) -> None:
        self.entries += 1
        if entry.seq <= self.seq:
            self.findings.add(Fault.INSERTED, entry.seq)
            return
        changed = not _KIND.fullmatch(entry.kind) or entry_hash(entry) != entry.hash
        if changed:
            self.findings.add(Fault.CHANGED, entry.seq)
        if entry.seq > self.seq + 1:
            self.findings.add(Fault.MISSING, self.seq + 1, entry.seq - 1)
        elif not changed and entry.previous != self.hash and not self.last_named:
            self._broken_before(entry.seq)
            self._move(entry, named=entry.seq == self.first)
            return
        self._blame_doubtful()
        self._move(entry, named=changed)

    def end(self, head: Head | None, anchored: int) -> None:
        if head is None or head.seq < self.seq:
            self.findings.add(Fault.HEAD_DIFFERS, self.seq)
        elif head.seq == self.seq and head.hash != self.hash and not self.last_named:
            if self.doubtful is None:
                self.findings.add(Fault.HEAD_DIFFERS, self.seq)
            else:
                self.doubtful = self.seq
        self._blame_doubtful()
        last = max(head.seq if head else 0, anchored)
        if last > self.seq:
            self.findings.add(Fault.TRUNCATED, self.seq + 1, last)

    def _broken_before(self, seq: int) -> None:
        if self.doubtful is not None or seq == self.first:
            self.findings.add(Fault.REWRITTEN, max(seq - 1, self.first))
            self.doubtful = None
        else:
            self.doubtful = seq - 1

    def _move(self, entry: Stored, *, named: bool) -> None:
        self.seq, self.hash, self.last_named = entry.seq, entry.hash, named

    def _blame_doubtful(self) -> None:
        if self.doubtful is not None:
            self.findings.add(Fault.REWRITTEN, self.doubtful)
            self.doubtful = None


class _Anchors:
    """Compares each anchored entry; the first difference explains all later ones."""

    def __init__(
        self,
        anchors: Iterable[Anchor],
        verify: VerifySignature | None,
        findings: _Findings,
        beginning: Beginning,
    ) -> None:
        self.findings = findings
        self.by_seq: dict[int, set[str]] = {}
        self.agreed, self.differs = beginning.seq, False
        ours: list[Anchor] = []
        for anchor in anchors:
            if verify is not None and not anchor.signed_by(verify):
                findings.add(Fault.ANCHOR_FORGED, anchor.seq)
            else:
                ours.append(anchor)
                self.by_seq.setdefault(anchor.seq, set()).add(anchor.hash)
        self.last = max(self.by_seq, default=0)
        if beginning.too_early(ours):
            findings.add(Fault.PRUNED_EARLY, 1, beginning.seq)
        self.compare(beginning.seq, beginning.hash)

    def compare(self, seq: int, found: str) -> None:
        expected = self.by_seq.get(seq)
        if expected is None or self.differs:
            return
        if expected == {found}:
            self.agreed = seq
        else:
            self.differs = True
            self.findings.add(Fault.ANCHOR_DIFFERS, min(self.agreed + 1, seq), seq)
