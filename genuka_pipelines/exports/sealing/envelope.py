"""Whom an archive is sealed for, and what opens it: an age key of the tenant's, or a passphrase told elsewhere.

Who seals never needs the other half: the house keeps nothing that would open what it delivered.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyrage  # type: ignore[import-untyped]

from genuka_pipelines.exports.errors import ArchiveDamaged, BadRecipient, WrongKey
from genuka_pipelines.exports.sealing.passphrase import seal, unseal
from genuka_pipelines.keys import Secret

SHORTEST = 12
"""Characters of a passphrase: what seals a whole database must not be guessed."""
_SCRYPT = b"age-encryption.org/v1\n-> scrypt "


@dataclass(frozen=True)
class Recipient:
    """An age public key (`age1…`), or a passphrase."""

    age: str | None = None
    passphrase: Secret | None = None

    def __post_init__(self) -> None:
        if (self.age is None) == (self.passphrase is None):
            raise BadRecipient("say whom the archive is for: an age public key (age1…), or a passphrase, and not both")
        if self.age is not None:
            try:
                pyrage.x25519.Recipient.from_str(self.age)
            except pyrage.RecipientError:
                raise BadRecipient("the recipient is not an age public key; it is one line that begins age1") from None
        if self.passphrase is not None and len(self.passphrase.reveal().decode("utf-8", "replace")) < SHORTEST:
            raise BadRecipient(f"the passphrase has fewer than {SHORTEST} characters; take several words")

    @property
    def fingerprint(self) -> str:
        """What tells one from another and opens nothing, 64 hex digits; of a passphrase only that it is one."""
        return hashlib.sha256((self.age or "passphrase").encode()).hexdigest()

    def seal(self, plain: BinaryIO, out: BinaryIO) -> None:
        """Encrypt a stream in flat memory."""
        if self.passphrase is not None:
            seal(plain, out, self.passphrase.reveal())
        else:
            with _Written(out) as written:
                pyrage.encrypt_io(plain, written, [pyrage.x25519.Recipient.from_str(self.age)])


@dataclass(frozen=True)
class Opener:
    """Age identities, or a passphrase; neither for what was not sealed."""

    identities: tuple[Secret, ...] = ()
    passphrase: Secret | None = None

    def open(self, sealed: BinaryIO, out: BinaryIO) -> None:
        """Decrypt a stream. WrongKey, ArchiveDamaged; `out` is then of no use."""
        if is_passphrase(sealed):
            if self.passphrase is None:
                raise WrongKey("the archive is sealed with a passphrase; give the file that holds it")
            unseal(sealed, out, self.passphrase.reveal())
            return
        if not self.identities:
            raise WrongKey("the archive is sealed for an age key; give the file of its identity")
        try:
            held = [pyrage.x25519.Identity.from_str(one.reveal().decode()) for one in self.identities]
        except pyrage.IdentityError:
            raise BadRecipient("the identity file holds something else than age identities") from None
        try:
            with _Written(out) as written:
                pyrage.decrypt_io(sealed, written, held)
        except pyrage.DecryptError as error:
            if "matching" in str(error):
                raise WrongKey(
                    "the identity does not open the archive; try the one whose public key it was for"
                ) from None
            raise ArchiveDamaged("the archive is truncated or altered; fetch it again") from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise ArchiveDamaged("the archive is truncated or altered; fetch it again") from None


class _Written:
    """A file whose own error is what is raised: the library makes a wrong key or damage of a full disk."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, and remember why that failed."""
        try:
            return self._out.write(data)
        except OSError as error:
            self._error = error
            raise

    def flush(self) -> None:
        """Nothing: whoever opened the file flushes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._error is not None:
            raise self._error from None


def is_passphrase(sealed: BinaryIO) -> bool:
    """Whether a file in the age format opens with a passphrase; the file is left at its start."""
    start = sealed.read(len(_SCRYPT))
    sealed.seek(0)
    return start == _SCRYPT


def passphrase_in(path: Path) -> Secret:
    """The first line of a file. BadRecipient where it cannot be read or others may read it."""
    return Secret(_lines(path, "passphrase")[0].encode())


def passphrase_named(variable: str) -> Secret:
    """The value of an environment variable."""
    found = os.environ.get(variable)
    if not found:
        raise BadRecipient(f"the environment has no {variable}, which was to hold the passphrase")
    return Secret(found.encode())


def identities_in(path: Path) -> tuple[Secret, ...]:
    """The identities of an age key file, without its comments."""
    return tuple(Secret(line.encode()) for line in _lines(path, "identity") if not line.startswith("#"))


def _lines(path: Path, what: str) -> list[str]:
    try:
        if path.stat().st_mode & 0o077:
            raise BadRecipient(f"the {what} file {path} may be read by others: chmod 600 it, and take another {what}")
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise BadRecipient(f"the {what} file {path} cannot be read; it is a text file of one line or more") from None
    if not lines:
        raise BadRecipient(f"the {what} file {path} is empty")
    return lines
