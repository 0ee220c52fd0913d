"""The lines of a sweep added up by rule or by category, over every database; once unknown, a sum stays unknown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from genuka_pipelines.rows.destroying import Line
from genuka_pipelines.rows.plan import PlanLine

K = TypeVar("K", bound=Hashable)
AnyLine = Line | PlanLine


@dataclass(frozen=True)
class Sums:
    """What is shown of a rule or a category, in this order."""

    due: int | None = 0
    deleted: int = 0
    anonymised: int = 0
    held: int | None = 0
    kept_by_law: int | None = 0
    survivors: int | None = 0
    by_hand: int = 0
    oldest: datetime | None = None
    unknown: tuple[str, ...] = ()

    def plus(self, line: AnyLine) -> Sums:
        """With one line more."""
        lost = line.unknown is not None
        moments = [moment for moment in (self.oldest, getattr(line, "oldest", None)) if moment is not None]
        return Sums(
            due=_add(self.due, line.due, lost),
            deleted=self.deleted + getattr(line, "deleted", 0),
            anonymised=self.anonymised + getattr(line, "anonymised", 0),
            held=_add(self.held, line.held, lost),
            kept_by_law=_add(self.kept_by_law, line.kept_by_law, lost),
            survivors=_add(self.survivors, getattr(line, "survivors", 0), lost),
            by_hand=self.by_hand + getattr(line, "by_hand", 0),
            oldest=min(moments) if moments else None,
            unknown=(*self.unknown, line.unknown) if line.unknown is not None else self.unknown,
        )


def sums(lines: Iterable[AnyLine], key: Callable[[AnyLine], K]) -> dict[K, Sums]:
    """The sums of the lines that have the same key, in the order in which keys first appear."""
    found: dict[K, Sums] = {}
    for line in lines:
        found[key(line)] = found.get(key(line), Sums()).plus(line)
    return found


def by_rule(line: AnyLine) -> tuple[str, str | None]:
    """`<category>.<table>.<rule>` and its clause."""
    return ".".join(filter(None, (line.category, line.table, line.rule))), line.clause


def by_category(line: AnyLine) -> str:
    """The category."""
    return line.category


def _add(sum_: int | None, number: int | None, lost: bool) -> int | None:
    return None if sum_ is None or lost else sum_ + (number or 0)
