"""What was seen of a category, as a value: counts and days, never a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

Counts = Mapping[str, int | None]
OF_A_RULE = ("due", "held", "kept_by_law", "undated")


@dataclass(frozen=True)
class Observation:
    """Counts by table, and by `<table>.<rule>`; None is unknown.

    `oldest` is the day of the oldest row, and None for content that is held on a tenant's behalf, which
    is observed by counts alone. `columns` are the types seen, by table, in the server's words.
    `unknown` says in sentences what could not be looked at and why.
    """

    category: str
    as_of: datetime
    rows: Counts
    due: Counts
    held: Counts
    kept_by_law: Counts
    undated: Counts
    oldest: date | None
    columns: Mapping[str, Mapping[str, str]]
    undeclared: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass
class Tally:
    """Sums over the databases of a system; once unknown, a sum stays unknown."""

    counts: dict[str, dict[str, int | None]] = field(
        default_factory=lambda: {name: {} for name in ("rows", *OF_A_RULE)}
    )
    oldest: list[datetime] = field(default_factory=list)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    undeclared: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)

    def add(self, of: str, key: str, number: int | None) -> None:
        """Add to one sum."""
        before = self.counts[of].get(key, 0)
        self.counts[of][key] = None if before is None or number is None else before + number

    def lose(self, why: str, rules: Iterable[str], table: str | None = None) -> None:
        """Make the counts of some rules unknown, and those of a table."""
        self.unknown[why] = None
        if table:
            self.add("rows", table, None)
        for rule in rules:
            for of in OF_A_RULE:
                self.add(of, rule, None)

    def total(self, category: str, as_of: datetime) -> Observation:
        """The sums as a value."""
        return Observation(
            category=category,
            as_of=as_of,
            oldest=min(self.oldest).date() if self.oldest else None,
            columns=self.columns,
            undeclared=tuple(self.undeclared),
            unknown=tuple(self.unknown),
            **self.counts,
        )
