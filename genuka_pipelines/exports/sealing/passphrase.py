"""The `age` format with a passphrase, as a stream: the library at hand keeps the whole file in memory for it.

An archive of a terabyte must be sealed in the memory of one chunk. Source: age-encryption.org/v1, sections on the
scrypt recipient, the header's MAC and the payload (STREAM: ChaCha20-Poly1305 in chunks of 64 KiB).
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import b64decode, b64encode
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from genuka_pipelines.exports.errors import ArchiveDamaged, WrongKey

CHUNK = 64 << 10
_TAG, _KEY, _SALT, _NONCE = 16, 16, 16, 16
_INTRO = b"age-encryption.org/v1\n"
_LABEL = b"age-encryption.org/v1/scrypt"
_WORK, _MOST_WORK = 18, 22
"""The logarithm of scrypt's cost: what `age` itself takes (a second, 256 MiB), and the most that is believed."""
_STANZA = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n")
_LONGEST_HEADER = 256


def seal(plain: BinaryIO, out: BinaryIO, passphrase: bytes, *, work: int = _WORK) -> None:
    """Encrypt a stream; memory is one chunk."""
    file_key, salt = os.urandom(_KEY), os.urandom(_SALT)
    wrapped = ChaCha20Poly1305(_stretched(passphrase, salt, work)).encrypt(bytes(12), file_key, None)
    head = _INTRO + b"-> scrypt " + _text(salt) + b" %d\n" % work + _text(wrapped) + b"\n---"
    nonce = os.urandom(_NONCE)
    out.write(head + b" " + _text(_mac(file_key, head)) + b"\n" + nonce)
    cipher, number = ChaCha20Poly1305(_derived(file_key, nonce, b"payload")), 0
    chunk = plain.read(CHUNK)
    while True:
        following = plain.read(CHUNK)
        out.write(cipher.encrypt(_counted(number, last=not following), chunk, None))
        if not following:
            return
        chunk, number = following, number + 1


def unseal(sealed: BinaryIO, out: BinaryIO, passphrase: bytes) -> None:
    """Decrypt a stream. WrongKey for another passphrase, ArchiveDamaged for other bytes; `out` is then of no use."""
    start = sealed.read(_LONGEST_HEADER)
    found = _STANZA.match(start, len(_INTRO)) if start.startswith(_INTRO) else None
    if found is None:
        raise WrongKey("the archive is not sealed with a passphrase; give an identity file")
    salt, work, wrapped, mac = _bytes(found[1]), int(found[2]), _bytes(found[3]), _bytes(found[4])
    if work > _MOST_WORK:
        raise ArchiveDamaged("the archive's envelope asks for more work than anyone would have sealed it with")
    try:
        file_key = ChaCha20Poly1305(_stretched(passphrase, salt, work)).decrypt(bytes(12), wrapped, None)
    except InvalidTag:
        raise WrongKey("the passphrase does not open the archive; try the one that was agreed for it") from None
    if not hmac.compare_digest(mac, _mac(file_key, start[: found.start(4) - 1])):
        raise ArchiveDamaged("the archive's envelope was altered; fetch it again")
    rest = _Rest(start[found.end() :], sealed)
    nonce = rest.read(_NONCE)
    cipher, number = ChaCha20Poly1305(_derived(file_key, nonce, b"payload")), 0
    chunk = rest.read(CHUNK + _TAG)
    while True:
        following = rest.read(CHUNK + _TAG)
        try:
            out.write(cipher.decrypt(_counted(number, last=not following), chunk, None))
        except InvalidTag:
            raise ArchiveDamaged("the archive is truncated or altered; fetch it again") from None
        if not following:
            return
        chunk, number = following, number + 1


class _Rest:
    """What was read already, then what is left."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start, self._rest = start, rest

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end alone."""
        taken, self._start = self._start[:size], self._start[size:]
        while len(taken) < size and (more := self._rest.read(size - len(taken))):
            taken += more
        return taken


def _stretched(passphrase: bytes, salt: bytes, work: int) -> bytes:
    return Scrypt(salt=_LABEL + salt, length=32, n=1 << work, r=8, p=1).derive(passphrase)


def _derived(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(file_key)


def _mac(file_key: bytes, head: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), head, "sha256")


def _counted(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _text(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    return b64decode(text + b"=" * (-len(text) % 4))
