"""What the ledger hands out: entries, its head, and the right to destroy.

Nothing may be destroyed before the intention is written, so the destroyer demands an `Intent`, and
only the ledger can make one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NoReturn, TypeVar

from genuka_pipelines.control.bodies import Body, Planned

Shape = TypeVar("Shape", bound=Body, covariant=True)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Shape]):
    """One entry: its place from 1 without gaps, wall time, `as_of`, body, and the chain's two hashes."""

    seq: int
    at: datetime
    as_of: datetime
    body: Shape
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry's place and hash, and the latest wall time ever written; seq 0 when empty."""

    seq: int
    hash: str
    at: datetime | None


_SEAL = object()


class Intent:
    """Leave to destroy what `planned` says: proof that the intention of entry `seq` is durable.

    Only `Ledger.intend` and `Ledger.open_intents` make one; it cannot be built, copied or pickled.
    """

    __slots__ = ("__as_of", "__planned", "__sealed", "__seq")

    def __init__(
        self, seq: int, planned: Planned, as_of: datetime, sealed: bytes = b"", *, seal: object = None
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("only Ledger.intend makes an Intent: write it down before you destroy")
        self.__seq, self.__planned, self.__as_of, self.__sealed = seq, planned, as_of, sealed

    @property
    def seq(self) -> int:
        """The intention's entry."""
        return self.__seq

    @property
    def planned(self) -> Planned:
        """Rule, table, count and Merkle root, as written."""
        return self.__planned

    @property
    def as_of(self) -> datetime:
        """The moment the plan was computed for, in UTC."""
        return self.__as_of

    @property
    def sealed(self) -> bytes:
        """What the caller sealed beside the intention, to finish it after a crash; empty when nothing."""
        return self.__sealed

    def __repr__(self) -> str:
        return f"<Intent of ledger entry {self.seq}>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an Intent cannot be copied: ask the ledger for its open intents")


def sealed_intent(seq: int, planned: Planned, as_of: datetime, sealed: bytes) -> Intent:
    """For the ledger alone."""
    return Intent(seq, planned, as_of, sealed, seal=_SEAL)
