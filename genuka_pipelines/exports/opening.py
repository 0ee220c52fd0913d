"""An archive opened by whoever received it: every name is looked at before any byte is believed.

Archives come by mail and from strangers. Nothing inside is ever written under the name that it bears, a name that
would leave the archive's folder ends the reading, and what is not on the manifest is not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Self, cast

from genuka_pipelines.exports.bag import DECLARATION, FORMAT, INFO, MANIFEST, TAG_MANIFEST
from genuka_pipelines.exports.describing.datapackage import FORMAT as NEWEST
from genuka_pipelines.exports.errors import ArchiveDamaged, UnknownFormat, UnsafeArchive
from genuka_pipelines.exports.media import MEDIA
from genuka_pipelines.exports.sealing.envelope import Opener
from genuka_pipelines.exports.work import BLOCK, room
from genuka_pipelines.systems.dump import Definition

_LINE = re.compile(r"([0-9a-f]{128})  ([^\r\n]+)")
_AGE = b"age-encryption.org/"
_LARGEST_TAG = 64 << 20
_HARMLESS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)


@dataclass(frozen=True)
class Expected:
    """What a table must be once it is loaded: its columns, its rows, and their digest (see TextDigest)."""

    columns: tuple[str, ...]
    rows: int
    digest: str
    summed: bool


class Bag:
    """The plain tar of an archive. Raises ArchiveDamaged, UnsafeArchive, UnknownFormat."""

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        try:
            with _damage():
                self._tar = self._stack.enter_context(tarfile.open(path, "r:"))  # noqa: SIM115 - closed by the stack
                self._members = _members(self._tar)
            self._refuse_unknown()
            self.manifest = self._listed(MANIFEST)
            self._refuse_missing()
            with _damage():
                said = json.loads(self.small("data/restore/expected.json"))
                self.tables = {name: _expected(**one) for name, one in said["tables"].items()}
                self.sequences: Mapping[str, str] = said["sequences"]
                self.definition = Definition.read(self.small("data/restore/definition.ndjson").decode().splitlines())
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(one.rows for one in self.tables.values())

    def media(self) -> Iterator[Mapping[str, Any]]:
        """The index of files: table, key, sha256, bytes of each object."""
        with _damage():
            for line in self.open(f"data/{MEDIA}/index.ndjson"):
                yield json.loads(line)

    def small(self, name: str) -> bytes:
        """A member that is held in memory."""
        with self.open(name) as file:
            found = file.read(_LARGEST_TAG + 1)
        if len(found) > _LARGEST_TAG:
            raise ArchiveDamaged(f"the archive's {name} is larger than any that was written; fetch it again")
        return found

    def open(self, name: str) -> IO[bytes]:
        """A member as a stream."""
        member = self._members.get(name)
        if member is None or not member.regular:
            raise ArchiveDamaged(f"the archive lacks {name}; fetch it again")
        return cast("IO[bytes]", self._tar.extractfile(member.info(name)))

    def verify(self) -> int:
        """Read and hash everything; how many objects its index names."""
        for name, wanted in {**self._listed(TAG_MANIFEST), **self.manifest}.items():
            if self._hash(name, "sha512") != wanted:
                raise ArchiveDamaged(f"the archive's {name} is not what was delivered; fetch it again")
        objects = 0
        hashes = {name.rpartition("/")[2] for name in self.manifest if name.startswith(f"data/{MEDIA}/")}
        proved: set[str] = set()
        for one in self.media():
            sha256 = str(one["sha256"])
            if sha256 not in proved:
                if sha256 not in hashes or self._hash(f"data/{MEDIA}/{sha256}", "sha256") != sha256:
                    raise ArchiveDamaged("the archive lacks a file that its index names; fetch it again")
                proved.add(sha256)
            objects += 1
        return objects

    def _hash(self, name: str, kind: str) -> str:
        state = hashlib.new(kind)
        with _damage(), self.open(name) as file:
            while block := file.read(BLOCK):
                state.update(block)
        return state.hexdigest()

    def _refuse_unknown(self) -> None:
        if self.small("bagit.txt") != DECLARATION:
            raise UnknownFormat("the file is not an archive of this program: it has no BagIt 1.0 declaration of ours")
        lines = self.small(INFO).decode("utf-8", "replace").splitlines()
        said = next((line.partition(": ")[2] for line in lines if line.startswith(FORMAT)), "")
        if not said.isdigit() or int(said) > NEWEST:
            raise UnknownFormat(
                f"the archive is of a newer format than {NEWEST}, or of none: install the newer genuka-pipelines"
            )

    def _listed(self, manifest: str) -> dict[str, str]:
        found = {}
        for line in self.small(manifest).decode("utf-8", "replace").splitlines():
            match = _LINE.fullmatch(line)
            if match is None:
                raise ArchiveDamaged(f"the archive's {manifest} was altered; fetch it again")
            found[match[2]] = match[1]
        return found

    def _refuse_missing(self) -> None:
        there = {name for name, member in self._members.items() if name.startswith("data/") and member.regular}
        if there != set(self.manifest):
            raise ArchiveDamaged("the archive lacks files of its manifest, or has others besides; fetch it again")


def _expected(columns: list[str], rows: int, digest: str, summed: bool) -> Expected:
    return Expected(tuple(columns), rows, digest, summed)


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member lies: what a tar says of it besides is twenty times as much to keep."""

    place: int
    size: int
    regular: bool

    def info(self, name: str) -> tarfile.TarInfo:
        """As a tar wants to be asked for it."""
        found = tarfile.TarInfo(name)
        found.offset_data, found.size = self.place, self.size
        return found


def _members(tar: tarfile.TarFile) -> dict[str, _Member]:
    """The members by their names below the one folder at the top."""
    found: dict[str, _Member] = {}
    tops = set()
    while (member := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]
        parts = PurePosixPath(member.name).parts
        odd = "\\" in member.name or "\0" in member.name or member.name.startswith("/") or ".." in parts
        if odd or not parts or member.type not in _HARMLESS:
            raise UnsafeArchive("the archive has a name or a link that would leave its own folder; do not open it")
        tops.add(parts[0])
        name = "/".join(parts[1:])
        if name and (name in found or len(tops) > 1):
            raise UnsafeArchive("the archive has two files of one name, or several folders; do not open it")
        found[name] = _Member(member.offset_data, member.size, member.isreg())
    return found


@contextmanager
def _damage() -> Iterator[None]:
    """What a damaged file makes a reader say, in our words."""
    try:
        yield
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        raise ArchiveDamaged("the archive is truncated or altered, or is none; fetch it again") from None


@contextmanager
def opened(path: Path, opener: Opener, work: Path) -> Iterator[Bag]:
    """An archive, sealed or plain. What has to be decrypted lies in `work` (mode 0700) and goes at the end."""
    try:
        with path.open("rb") as file:
            sealed = file.read(len(_AGE)) == _AGE
    except OSError as error:
        raise ArchiveDamaged(
            f"the archive {path} cannot be read ({error.strerror}); give the path of the file"
        ) from None
    with ExitStack() as stack:
        if sealed:
            work.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opened-", dir=work)))
            path = _unsealed(path, opener, folder / "archive.tar")
        yield stack.enter_context(Bag(path))


def _unsealed(path: Path, opener: Opener, into: Path) -> Path:
    with room(), path.open("rb") as sealed, os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
        opener.open(sealed, out)
    return into
