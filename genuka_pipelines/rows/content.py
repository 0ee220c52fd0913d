"""What rows point at elsewhere (files, recordings, chats) and how its destruction is answered, key by key.

A row that goes while its recording stays is a promise broken where nobody looks; so every key gets an
answer of its own, and "we do not know" can be told from "it is gone".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Reason = Literal["locked", "refused", "unreachable", "out_of_time", "unfit_key", "still_there", "by_hand"]
"""locked: retained by its store. refused: these credentials, or this setting, will not do. unreachable: nobody
answered, or only with failures. out_of_time: the time allowed, or the provider's limit, was used up.
unfit_key: the key names no single thing. still_there: it was asked for, and is there. by_hand: only people can."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something is not known to be gone.

    `says` is one sentence that is the same for every key it befell and shows none of them, so it may
    be logged and counted. `procedure` names what people have to do, where `reason` is `by_hand`.
    """

    reason: Reason
    says: str
    procedure: str | None = None


class Contents(Protocol):
    """What rows point at in one system. Safe to use from several threads; nothing is raised for a key.

    A key is the text of the declared column. An empty one points at nothing, which is gone.
    """

    def destroy(self, keys: Sequence[str]) -> Mapping[str, Failure | None]:
        """Destroy what each key points at; None where it is gone, whether or not it ever was there.

        May be repeated and may be cut short: what was destroyed stays destroyed.
        """

    def remaining(self, keys: Sequence[str]) -> Mapping[str, bool | None]:
        """Whether anything is left of each; None where that cannot be told."""

    def check(self) -> str:
        """Try whether it answers and would delete; how it is reached, in a few words. Raises what is wrong."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Contents that no interface can delete: people do, by a declared procedure, and until then they wait."""

    system: str
    procedure: str

    def destroy(self, keys: Sequence[str]) -> dict[str, Failure | None]:
        """Nothing is destroyed and nothing is claimed."""
        says = f"{self.system} offers no deletion to a program: people delete there, by procedure {self.procedure}"
        waits = Failure("by_hand", says, self.procedure)
        return {key: waits if key else None for key in keys}

    def remaining(self, keys: Sequence[str]) -> dict[str, bool | None]:
        """Unknown, unless nothing was pointed at."""
        return {key: None if key else False for key in keys}

    def check(self) -> str:
        """Nothing to try."""
        return f"deleted by people: procedure {self.procedure}"
