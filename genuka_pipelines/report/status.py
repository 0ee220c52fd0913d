"""The state of each clause, read from the ledger: *kept* is earned by evidence, never by its absence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.keepers import RETENTION, keepers
from genuka_pipelines.control import Check, Control, Entry, Observation
from genuka_pipelines.control.answers import UNPROVEN
from genuka_pipelines.control.switches import BACKUP_EXPIRY, CAPABILITIES, RETENTION_SWEEP

State = Literal["kept", "broken", "unproven", "procedure", "planned", "not switched on"]
_WORST_FIRST: tuple[State, ...] = ("broken", "planned", "not switched on", "unproven", "procedure", "kept")
FRESH = timedelta(hours=48)
"""Evidence older than two nights proves nothing about today."""


@dataclass(frozen=True)
class ClauseState:
    """One clause: how it is to be kept, what keeps it, and whether that is proven now."""

    id: str
    kind: tuple[str, ...]
    keepers: tuple[str, ...]
    status: State


@dataclass(frozen=True)
class Evidence:
    """The latest entries of the ledger, by (asset, check) and by category, and what nobody switched on."""

    checks: Mapping[tuple[str, str], Entry[Check]]
    observations: Mapping[str, Entry[Observation]]
    now: datetime
    switched_off: frozenset[str] = frozenset()

    def of(self, keeper: str) -> State:
        """What is known of one keeper."""
        kind, _, name = keeper.partition(":")
        if kind == "planned":
            return "planned"
        if kind == "procedure":
            return "procedure"
        if kind == "check":
            asset, _, check = name.partition("#")
            answered = self._answered(self.checks.get((asset, check)))
            off = _switch(asset, check) in self.switched_off
            return "not switched on" if off and answered == "kept" else answered
        if name.startswith("systems/"):
            answers = [self._answered(entry) for (asset, _), entry in self.checks.items() if asset == name]
            return worst(answers) if answers else "unproven"
        return self._seen(self.observations.get(name))

    def _answered(self, entry: Entry[Check] | None) -> State:
        if entry is None or self.now - entry.at > FRESH:
            return "unproven"
        if entry.body.passed:
            return "unproven" if UNPROVEN in entry.body.counts else "kept"
        return "broken" if entry.body.severity == "error" else "unproven"

    def _seen(self, entry: Entry[Observation] | None) -> State:
        if entry is None or self.now - entry.at > FRESH or None in entry.body.rows.values():
            return "unproven"
        return "kept"


def evidence(control: Control, now: datetime) -> Evidence:
    """The evidence at hand."""
    off = frozenset(name for name in CAPABILITIES if not control.switches.on(name))
    return Evidence(control.ledger.latest_checks(), control.ledger.latest_observations(), now, off)


def _switch(asset: str, check: str) -> str | None:
    """The capability without which a check's yes is only how things happen to be."""
    if asset.startswith(RETENTION):
        return RETENTION_SWEEP
    return BACKUP_EXPIRY if check == "none_over_twelve_months" else None


def clause_states(catalog: Catalog, known: Evidence) -> tuple[ClauseState, ...]:
    """Every clause in order; the worst of its keepers decides."""
    kept_by = keepers(catalog)
    return tuple(
        ClauseState(clause.id, clause.kind, kept_by[clause.id], worst([known.of(k) for k in kept_by[clause.id]]))
        for clause in catalog.clauses.values()
    )


def worst(states: list[State]) -> State:
    """The state that decides among several; none at all is unproven."""
    return next((state for state in _WORST_FIRST if state in states), "unproven")
