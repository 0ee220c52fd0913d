"""A ZIP as a stream: its bytes go from the database into the envelope, and never lie anywhere in clear.

A package in a temporary file is what is found on a disk that was thrown away; this one is never written. The same
content gives the same bytes: names in order, one date, no owner.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from genuka_pipelines.requests.package.errors import PackageTooLarge

Member = tuple[str, Iterator[bytes]]
_LEVEL = 6
_DATE = (1980, 1, 1, 0, 0, 0)


def packed(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of a ZIP of these members, which come in the order of their names. PackageTooLarge."""
    out, before = _Out(), ""
    with zipfile.ZipFile(cast("BinaryIO", out), "w") as archive:
        for name, content in members:
            if name <= before:
                raise ValueError("the members of a package come in the order of their names")
            before, info = name, zipfile.ZipInfo(name, _DATE)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            info._compresslevel = _LEVEL  # type: ignore[attr-defined]  # public as compress_level from Python 3.13
            try:
                with archive.open(info, "w") as member:
                    for chunk in content:
                        member.write(chunk)
                        yield out.taken()
            except RuntimeError as error:
                if "too large" not in str(error):
                    raise
                # Beyond two gigabytes, which a ZIP that is a stream would have to say in advance.
                raise PackageTooLarge(
                    "a part of the package is larger than two gigabytes: hand it over by another way"
                ) from None
    yield out.taken()


class _Out:
    """A file that can only be written to, and gives what was."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        """Hold it."""
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing to do."""

    def taken(self) -> bytes:
        """What was written since."""
        found = bytes(self._held)
        self._held.clear()
        return found


class Reader:
    """A stream to be read in parts of any size. What fails in it is kept, as a reader in C would lose it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, bytearray()
        self.failed: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end alone."""
        try:
            while size < 0 or len(self._held) < size:
                self._held += next(self._chunks)
        except StopIteration:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again by who reads `failed`
            self.failed = error
            raise OSError("the package could not be read to its end") from None
        found = bytes(self._held if size < 0 else self._held[:size])
        del self._held[: len(found)]
        return found
