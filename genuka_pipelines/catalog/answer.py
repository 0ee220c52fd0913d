"""An answer to a question: yes or no, how far it is proven, and the counts behind it; never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Answer:
    """`counts` are numbers by opaque name (None: could not be found out), `notes` sentences about them.

    `unproven` says that nothing contradicts the promise and nothing proves it either.
    """

    passed: bool
    counts: Mapping[str, int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    severity: Literal["error", "warn"] = "error"
    unproven: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """What the UI shows, in fixed order."""
        said = {name: "unknown" if number is None else number for name, number in self.counts.items()}
        shown: dict[str, Any] = {"answer": "unproven" if self.unproven else ("yes" if self.passed else "no")}
        if self.notes:
            shown["notes"] = " · ".join(self.notes)
        return {**shown, **said}


def none_found(counts: Mapping[str, int | None], notes: tuple[str, ...] = ()) -> Answer:
    """The answer where every count must be zero; one that is unknown is a no, since unknown is not zero."""
    known = {name: number for name, number in counts.items() if number is None or number > 0}
    unknown = tuple(f"{name} could not be counted" for name, number in known.items() if number is None)
    return Answer(passed=not known, counts=known, notes=(*notes, *unknown))
