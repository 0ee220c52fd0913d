"""What every interface of a recipient gives: somebody is forgotten there, or people have to see to it.

One that guessed would cancel a company's subscription because its bookkeeper left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recipient answered: `reference` is its own name for that; not `done` is for people to do."""

    done: bool
    reference: str | None = None


class Recipient(Protocol):
    """Somebody who was given data, and has an interface to forget by."""

    def forget(self, about: Mapping[str, Sequence[str]]) -> Heard:
        """Have a person forgotten, found by its own `ids`, else by `emails`; who is not there is forgotten.

        May be repeated, and may be cut short. Raises GenukaError where nothing is known of it.
        """
