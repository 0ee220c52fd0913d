"""Destroys what rows point at elsewhere, a few keys at a time, so that a hold never waits for a slow provider.

A recording takes seconds where a row takes microseconds. Destroyed a whole batch at once behind the gate, they
would keep every hold out for minutes; destroyed before it, a hold could keep a row whose recording is gone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.content import ByHand, Failure
from genuka_pipelines.rows.destroying.target import Target
from genuka_pipelines.systems.column_types import Query, as_text, kind_of

if TYPE_CHECKING:
    from genuka_pipelines.catalog.table import Content
    from genuka_pipelines.rows.content import Contents
    from genuka_pipelines.rows.declared import DeclaredTable, Home

MOST = 50
"""Keys destroyed before the gate is left again."""
_FIRST = 8
_SECONDS = 1.0
"""What they should take together."""
_AT_MOST = 20.0
"""What they may take where a provider makes us wait: whoever places a hold waits a minute at most."""
_PATIENCE = 600.0
"""Seconds without any key destroyed after which a provider that lets us wait is given up for this run."""
_IN_VAIN = 5
UNSURE = frozenset({"unreachable", "out_of_time"})
"""Failures after which nobody knows whether the provider did as it was told."""
_UNANSWERED = Failure("unreachable", "what rows point at was asked to go, and there was no answer for some of it")


@dataclass
class Emptier:
    """What one system holds for rows, during one run. `homes` are all databases whose rows may point there.

    `down` says why the system was given up: several keys in a row were not answered.
    """

    system: str
    contents: Contents
    homes: Sequence[Home]
    down: str | None = None
    size: int = _FIRST
    _vain: int = 0
    _served: float = field(default_factory=time.monotonic)

    @property
    def by_hand(self) -> str | None:
        """The procedure, where no program can destroy anything there."""
        return self.contents.procedure if isinstance(self.contents, ByHand) else None

    @property
    def patient(self) -> bool:
        """Whether to come back for keys that the provider had no time for."""
        return hasattr(self.contents, "within") and time.monotonic() - self._served < _PATIENCE

    def empty(self, keys: Sequence[str]) -> Mapping[str, Failure | None]:
        """What became of each key; None where it is gone. Paces itself by how long that took."""
        if not keys:
            return {}
        began = time.perf_counter()
        within = getattr(self.contents, "within", None)
        try:
            said = (within(_AT_MOST) if within else self.contents).destroy(keys)
        except GenukaError as error:
            said = dict.fromkeys(keys, Failure("unreachable", str(error)))
        # A key that was given no answer is no key that is gone.
        answers = {key: said.get(key, _UNANSWERED) for key in keys}
        seconds = time.perf_counter() - began
        self.size = max(1, min(MOST, 2 * self.size, int(len(keys) * _SECONDS / max(seconds, 1e-6))))
        for failure in answers.values():
            if failure is None or failure.reason not in UNSURE:
                self._vain, self._served = 0, time.monotonic()
            elif failure.reason == "unreachable":
                self._vain += 1
                self.down = failure.says if self._vain >= _IN_VAIN else self.down
        return answers

    def named_elsewhere(self, target: Target, named: Counter[str]) -> set[str]:
        """The keys that other rows name too, which keep what they point at; `named` counts the rows that go."""
        found: set[str] = set()
        if not named:
            return found
        for table, content in self._pointing(target):
            same = table.home is target.table.home and table.name == target.table.name
            if same and table.table.key == (content.key,):
                continue
            own = table.column(content.key)
            wanted = sorted(named)
            among = (own if kind_of(own) == "text" else as_text(own)).in_(wanted)
            key = _exact(table, own).label("key")
            query: Query = sa.select(key, sa.func.count().label("number")).select_from(table.sql).where(among)
            for other, number in table.home.database.rows(query.group_by(key)):
                if number > (named[other] if same else 0):
                    found.add(other)
        return found

    def _pointing(self, target: Target) -> Iterator[tuple[DeclaredTable, Content]]:
        for home in self.homes or (target.table.home,):
            for name, declaration in home.declared.items():
                content = declaration.category.tables[name].content
                if content is not None and content.system == self.system and home.has(name):
                    yield home.table(name), content


def _exact(table: DeclaredTable, column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A key as text that differs where the keys differ, in the case of a letter too."""
    dialect = table.home.database.dialect
    text = dialect.text(column)
    return text if dialect.name == "postgresql" else sa.collate(text, "utf8mb4_bin")
