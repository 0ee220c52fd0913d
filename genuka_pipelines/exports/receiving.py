"""What whoever received an archive does with it: verify it, and load it into an empty database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genuka_pipelines.exports.loading import load_into
from genuka_pipelines.exports.opening import opened
from genuka_pipelines.exports.sealing.envelope import Opener

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Verified:
    """An archive whose every byte is what its manifest says."""

    tables: int
    rows: int
    media: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """An archive in a database; `left_out` names what could not be made there, foreign keys above all."""

    tables: int
    rows: int
    media: int
    left_out: tuple[str, ...]


def verify(archive: Path, opener: Opener, work: Path) -> Verified:
    """Read and hash all of an archive; `work` is a private folder for what has to be decrypted meanwhile.

    Raises ArchiveDamaged, UnsafeArchive, UnknownFormat, WrongKey, NoRoom.
    """
    with opened(archive, opener, work) as bag:
        return Verified(len(bag.tables), bag.rows, bag.verify())


def load(archive: Path, into: sa.URL, opener: Opener, work: Path) -> Loaded:
    """Verify an archive and load it into an empty database, or one to be made; compared before anybody sees it.

    Raises what `verify` does, TargetNotEmpty, NotRestorable, NotTheSame.
    """
    with opened(archive, opener, work) as bag:
        objects = bag.verify()
        rows, left_out = load_into(bag, into)
        return Loaded(len(bag.tables), rows, objects, left_out)
