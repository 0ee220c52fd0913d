#!/usr/bin/env python3
"""Reads backups of genuka-pipelines without genuka-pipelines: the format of docs/format.md, and nothing else.

Whoever holds the root key and a copy of one bucket must get the data back in ten years, also when the
program that wrote it no longer runs. Needs Python 3.11 and three libraries: cryptography, pyrage, zstandard.

    read_backup.py FOLDER nights
    read_backup.py FOLDER --root IDENTITY tenants [--night BACKUP]
    read_backup.py FOLDER --root IDENTITY write TENANT --to DIR [--backup BACKUP] [--table NAME]
    read_backup.py FOLDER --root IDENTITY write --platform --to DIR ...

FOLDER holds the objects of a bucket as files at their keys. IDENTITY is an age identity file: the root key, or an
escrow. With --signer (64 hex digits, the public Ed25519 key) signatures are checked; without it that is said.
Exit code: 0 when all digests match, 1 when something is missing, damaged or not the same, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from urllib.parse import quote

import pyrage
import zstandard
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT = 2
FIRST_DAY, EPOCH_DAYS = date(2024, 1, 1), 28
BLOCK, HASH = 1 << 20, 16
MODULUS = 1 << 256


class Unreadable(Exception):
    """One sentence: which object, and what is wrong with it."""


# --- keys ---------------------------------------------------------------------------------------------------------


def hkdf(key: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt, 32 bytes."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def compact(*parts: object) -> bytes:
    """A JSON array without spaces, all but ASCII escaped: how associated data is spelled."""
    return json.dumps(list(parts), separators=(",", ":")).encode()


def read_identity(path: Path) -> Any:
    """The age identities of a file: comments, and secret keys, one a line."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise Unreadable(f"{path} must hold age identities, one a line")
    try:
        return [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError:
        raise Unreadable(f"{path} holds no age identity") from None


def unwrap(data: bytes, identity: Any, name: str) -> bytes:
    """What was encrypted to the root key."""
    try:
        return bytes(pyrage.decrypt(data, identity))
    except pyrage.DecryptError:
        raise Unreadable(f"{name} is damaged, or was encrypted to another root key") from None


def open_tenant_key(data: bytes, owner: str, identity: Any, name: str) -> bytes:
    """The 32 bytes of an owner's key."""
    label, whose, key = json.loads(unwrap(data, identity, name))
    if (label, whose, len(key)) != ("genuka tenant key 1", owner, 64):
        raise Unreadable(f"{name} holds another owner's key")
    return bytes.fromhex(key)


def key_id(key: bytes) -> str:
    """The public name of a key, which ends the name of the epoch keys that it wraps."""
    return hashlib.sha256(b"genuka key id\x00" + key).hexdigest()[:16]


def open_epoch_key(data: bytes, tenant_key: bytes, owner: str, epoch: str, name: str) -> bytes:
    """The 32 bytes of an epoch's key."""
    if data[:5] != b"GNKE\x01":
        raise Unreadable(f"{name} is no wrapped epoch key of this format")
    try:
        return AESGCM(tenant_key).decrypt(data[5:17], data[17:], compact("genuka epoch key 1", owner, epoch))
    except InvalidTag:
        raise Unreadable(f"{name} is damaged, or was wrapped by another tenant key") from None


def unseal(data: bytes, epoch_key: bytes, place: tuple[str, int], owner: str, epoch: str, name: str) -> bytes:
    """What an epoch's key sealed for a place: ("pack", ordinal) or ("manifest", 0)."""
    if data[:5] != b"GNKP\x01":
        raise Unreadable(f"{name} is not sealed in this format")
    about, mac = compact("genuka pack 1", *place, owner, epoch), data[5:37]
    try:
        plain = AESGCM(hkdf(epoch_key, b"genuka pack key 1" + mac)).decrypt(bytes(12), data[37:], about)
    except InvalidTag:
        raise Unreadable(f"{name} is damaged, moved, or sealed with another key") from None
    proof = hmac.new(hkdf(epoch_key, b"genuka pack mac 1"), digestmod="sha256")
    proof.update(len(about).to_bytes(8, "big") + about)
    proof.update(plain)
    if not hmac.compare_digest(proof.digest(), mac):
        raise Unreadable(f"{name} does not hold what its name says")
    return plain


# --- the bucket ---------------------------------------------------------------------------------------------------


def epoch_of(backup: str) -> str:
    """The epoch in which a backup was begun, by its first day."""
    try:
        day = datetime.strptime(backup, "%Y%m%dT%H%M%SZ").date()  # noqa: DTZ007 - the name is in UTC
    except ValueError:
        raise Unreadable(f"'{backup}' is no backup: they are named such as 20261122T004500Z") from None
    return (FIRST_DAY + timedelta(days=(day - FIRST_DAY).days // EPOCH_DAYS * EPOCH_DAYS)).isoformat()


class Bucket:
    """The objects of a region as files; every one that is read is checked as far as it can be."""

    def __init__(self, folder: Path, signer: str | None) -> None:
        self.folder = folder
        self.signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer)) if signer else None

    def read(self, key: str) -> bytes:
        """An object's bytes."""
        try:
            return (self.folder / key).read_bytes()
        except OSError:
            raise Unreadable(f"{key} is not there") from None

    def nights(self) -> list[str]:
        """Every night, oldest first."""
        return sorted(path.name for path in self.folder.glob("v1/e/*/n/*"))

    def backups(self, owner: str) -> list[str]:
        """Every backup of an owner, oldest first."""
        return sorted(path.name for path in self.folder.glob(f"v1/e/*/{owner}/m/*"))

    def enveloped(self, key: str, kind: str) -> tuple[dict[str, Any], bytes]:
        """The header and the sealed body of a manifest: a line of JSON, its signature in hex, the body."""
        line, _, rest = self.read(key).partition(b"\n")
        signature, _, body = rest.partition(b"\n")
        try:
            header = json.loads(line)
            if self.signer:
                self.signer.verify(bytes.fromhex(signature.decode("ascii")), line)
        except (ValueError, InvalidSignature):
            raise Unreadable(f"{key} is damaged, or signed by another key") from None
        if header.get("format") != FORMAT or header.get("kind") != kind:
            raise Unreadable(f"{key} is no {kind} of format {FORMAT}, but of format {header.get('format')}")
        if hashlib.sha256(body).hexdigest() != header["body_sha256"]:
            raise Unreadable(f"{key} is truncated or damaged in its body")
        return header, body

    def night(self, backup: str, identity: Any) -> dict[str, Any]:
        """What a night says to who holds the root key."""
        key = f"v1/e/{epoch_of(backup)}/n/{backup}"
        _, body = self.enveloped(key, "night")
        said: dict[str, Any] = json.loads(unwrap(body, identity, key))
        return said


class Owner:
    """One owner's backups: a tenant's, or the platform's."""

    def __init__(self, bucket: Bucket, owner: str, identity: Any) -> None:
        self.bucket, self.owner = bucket, owner
        key = f"v1/k/{owner}"
        self.key = open_tenant_key(bucket.read(key), owner, identity, key)
        self.epochs: dict[str, bytes] = {}

    def epoch_key(self, epoch: str) -> bytes:
        """The key of an epoch."""
        if epoch not in self.epochs:
            name = f"v1/e/{epoch}/{self.owner}/k.{key_id(self.key)}"
            self.epochs[epoch] = open_epoch_key(self.bucket.read(name), self.key, self.owner, epoch, name)
        return self.epochs[epoch]

    def manifest(self, backup: str) -> dict[str, Any]:
        """The manifest of a backup."""
        epoch = epoch_of(backup)
        key = f"v1/e/{epoch}/{self.owner}/m/{backup}"
        _, body = self.bucket.enveloped(key, "manifest")
        frame = unseal(body, self.epoch_key(epoch), ("manifest", 0), self.owner, epoch, key)
        said: dict[str, Any] = json.loads(zstandard.ZstdDecompressor().stream_reader(frame).read())
        if (said["backup"], said["owner"]) != (backup, self.owner):
            raise Unreadable(f"{key} holds another backup")
        return said

    def sections(self, manifest: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
        """The sections of a backup's packs, each with its bytes in blocks of whole rows."""
        epoch = epoch_of(manifest["backup"])
        for pack in manifest["packs"]:
            key = f"v1/e/{epoch}/{self.owner}/p/{pack['name']}"
            data = self.bucket.read(key)
            if len(data) != pack["bytes"] or hashlib.sha256(data).hexdigest() != pack["sha256"]:
                raise Unreadable(f"{key} is truncated or damaged")
            plain = unseal(data, self.epoch_key(epoch), ("pack", pack["ordinal"]), self.owner, epoch, key)
            yield from read_pack(plain, pack["sections"], key)


# --- packs --------------------------------------------------------------------------------------------------------


def read_pack(
    data: bytes, declared: list[dict[str, Any]], name: str
) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
    """zstd frames that give, one after the other, a line of JSON and the bytes that it announces."""
    stream = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    try:
        for section in declared:
            line = exactly(stream, len(heading(section)), name)
            if line != heading(section):
                raise Unreadable(f"{name} holds other sections than its manifest says")
            blocks = rows_of(stream, section, name)
            yield section, blocks
            for _ in blocks:
                pass
        if stream.read(1):
            raise Unreadable(f"{name} holds more than its manifest says")
    except zstandard.ZstdError:
        raise Unreadable(f"{name} does not decompress") from None


def heading(section: dict[str, Any]) -> bytes:
    """The line that leads a section."""
    said = {name: section[name] for name in ("place", "table", "kind", "rows", "bytes")}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def exactly(stream: Any, size: int, name: str) -> bytes:
    """So many bytes."""
    got = b""
    while len(got) < size:
        piece = stream.read(size - len(got))
        if not piece:
            raise Unreadable(f"{name} is truncated")
        got += piece
    return got


def rows_of(stream: Any, section: dict[str, Any], name: str) -> Iterator[bytes]:
    """The bytes of a section in blocks of whole rows, counted."""
    left, rows = section["bytes"], 0
    begun: list[bytes] = []
    while left:
        piece = exactly(stream, min(left, BLOCK), name)
        left -= len(piece)
        if section["kind"] == "gone":
            rows += len(piece) // HASH
            yield piece
            continue
        rows += piece.count(b"\n")
        whole, end, rest = piece.rpartition(b"\n")
        if end:
            yield b"".join((*begun, whole, end))
            begun = []
        begun += [rest] if rest else []
    if begun or rows != section["rows"]:
        raise Unreadable(f"{name} does not hold the rows that it says")


# --- rows ---------------------------------------------------------------------------------------------------------


def escaped(tenant: str | None) -> bytes:
    r"""What leads each row when it is hashed: the tenant as a field of text, `\N` for the platform."""
    if tenant is None:
        return rb"\N"
    text = tenant.encode()
    for mark, spelled in ((b"\\", rb"\\"), (b"\t", rb"\t"), (b"\n", rb"\n"), (b"\r", rb"\r")):
        text = text.replace(mark, spelled)
    return text


class Table:
    """A table as it is put together: its rows go to a file, their hashes are added up."""

    def __init__(self, state: dict[str, Any], lead: bytes, row_key: bytes, out: BinaryIO) -> None:
        self.state, self.lead, self.out = state, lead, out
        self.blank = CMAC(AES256(row_key))
        self.gone: set[bytes] = set()
        self.gone_now: set[bytes] = set()
        self.rows = self.sum = 0

    def add(self, block: bytes) -> None:
        """Rows of the backup that is being read, but those that a later one says are gone."""
        for line in block.split(b"\n")[:-1]:
            state = self.blank.copy()
            state.update(self.lead + b"\t" + line)
            digest = state.finalize()
            if digest not in self.gone:
                self.rows += 1
                self.sum = (self.sum + int.from_bytes(digest, "little")) % MODULUS
                self.out.write(line + b"\n")

    def lose(self, block: bytes) -> None:
        """Hashes of rows that no earlier backup counts for."""
        self.gone_now.update(block[at : at + HASH] for at in range(0, len(block), HASH))

    def next_backup(self) -> None:
        """The next older backup begins."""
        self.gone |= self.gone_now
        self.gone_now = set()

    @property
    def matches(self) -> bool:
        """Whether these are the rows that were captured."""
        return (self.rows, f"{self.sum:064x}") == (self.state["rows"], self.state["digest"])


Where = tuple[str, bool]
"""A database: its system, and whether it is the owner's own."""


def name_of(where: Where) -> str:
    """The folder of a database."""
    return quote(f"{where[0]}.own" if where[1] else where[0], safe="")


def write_backup(owner: Owner, backup: str, to: Path, only: set[str]) -> list[dict[str, Any]]:
    """Writes the tables of a backup as text, and what goes with them; what became of each table."""
    newest = owner.manifest(backup)
    chain = [newest, *(owner.manifest(name) for name in reversed(newest["chain"]))]
    lead, row_key = escaped(newest["tenant"]), bytes.fromhex(newest["row_key"])
    tables: dict[tuple[Where, str], Table] = {}
    for place in newest["places"]:
        where = (place["system"], place["own"])
        folder = to / name_of(where)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sequences.json").write_text(json.dumps(place["sequences"], ensure_ascii=False, indent=1) + "\n")
        for state in place["tables"]:
            if not only or state["name"] in only:
                file = (folder / f"{quote(state['name'], safe='')}.txt").open("wb")
                tables[where, state["name"]] = Table(state, lead, row_key, file)
    for manifest in chain:
        read_one(owner, manifest, newest, tables, to)
    for table in tables.values():
        table.out.close()
    return [
        {
            "database": name_of(where),
            "table": name,
            "file": Path(str(table.out.name)).name,
            "columns": table.state["columns"],
            "rows": table.rows,
            "digest_matches": table.matches,
        }
        for (where, name), table in sorted(tables.items())
    ]


def read_one(
    owner: Owner,
    manifest: dict[str, Any],
    newest: dict[str, Any],
    tables: dict[tuple[Where, str], Table],
    to: Path,
) -> None:
    """One backup of the chain, each newer one having been read."""
    places = [(place["system"], place["own"]) for place in manifest["places"]]
    definitions = {(place["system"], place["own"]): place["definition"] for place in newest["places"]}
    media = {state["system"]: state["base"] for state in newest["media"]}
    for section, blocks in owner.sections(manifest):
        kind, name = section["kind"], section["table"]
        if kind == "definition":
            if definitions.get(places[section["place"]]) == manifest["backup"]:
                append(to / name_of(places[section["place"]]) / "definition.jsonl", blocks)
        elif kind == "media":
            if media.get(name) == manifest["backup"]:
                append(to / f"media.{quote(name, safe='')}.jsonl", blocks)
        elif (table := tables.get((places[section["place"]], name))) and manifest["backup"] >= table.state["base"]:
            for block in blocks:
                (table.lose if kind == "gone" else table.add)(block)
    for table in tables.values():
        table.next_backup()


def append(path: Path, blocks: Iterator[bytes]) -> None:
    """Lines at the end of a file."""
    with path.open("ab") as file:
        file.writelines(blocks)


# --- the terminal -------------------------------------------------------------------------------------------------


def say(value: object) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def fail(message: str, code: int) -> NoReturn:
    """One sentence, and the end."""
    sys.stderr.write(f"{message}\n")
    sys.exit(code)


def arguments() -> argparse.Namespace:
    """What was asked."""
    parser = argparse.ArgumentParser(description="Reads backups without the program that wrote them.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", type=Path, help="the age identity file of the root key")
    parser.add_argument("--signer", help="the public signing key, 64 hex digits")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("nights")
    tenants = commands.add_parser("tenants")
    tenants.add_argument("--night")
    write = commands.add_parser("write")
    write.add_argument("tenant", nargs="?")
    write.add_argument("--platform", action="store_true")
    write.add_argument("--to", type=Path, required=True)
    write.add_argument("--backup")
    write.add_argument("--night")
    write.add_argument("--table", action="append", default=[])
    return parser.parse_args()


def tenants_of(bucket: Bucket, night: str | None, identity: Any) -> dict[str, str | None]:
    """Owner ids and their tenants, as a night (the newest) knows them; null is the platform.

    An escrow opens no night, but every owner's newest manifest, which says the same.
    """
    nights = bucket.nights()
    try:
        said: dict[str, str | None] = bucket.night(night or nights[-1], identity)["tenants"] if nights else {}
    except Unreadable as error:
        owners = [path.name for path in bucket.folder.glob("v1/k/*") if bucket.backups(path.name)]
        try:
            said = {
                owner: Owner(bucket, owner, identity).manifest(bucket.backups(owner)[-1])["tenant"] for owner in owners
            }
        except Unreadable:
            raise error from None
    if not said:
        raise Unreadable(f"{bucket.folder} holds no night: give the folder above v1/")
    return said


def run(asked: argparse.Namespace) -> int:
    """The exit code."""
    bucket = Bucket(asked.folder, asked.signer)
    if not asked.signer:
        sys.stderr.write("signatures are not checked: give --signer to check them\n")
    if asked.command == "nights":
        for night in bucket.nights():
            header, _ = bucket.enveloped(f"v1/e/{epoch_of(night)}/n/{night}", "night")
            say({"night": night, "owners": len(header["owners"]), "finished": header["finished"]})
        return 0
    if not asked.root:
        fail("give --root: the age identity file of the root key", 2)
    identity = read_identity(asked.root)
    tenants = tenants_of(bucket, asked.night, identity)
    if asked.command == "tenants":
        for owner, tenant in sorted(tenants.items(), key=lambda pair: (pair[1] is not None, pair[1] or "")):
            say({"owner": owner, "tenant": tenant, "backups": bucket.backups(owner)})
        return 0
    if bool(asked.tenant) == asked.platform:
        fail("name one tenant, or --platform", 2)
    owners = [owner for owner, tenant in tenants.items() if tenant == (None if asked.platform else asked.tenant)]
    if not owners:
        fail("that night knows no such tenant: list them with `tenants`", 2)
    backup = asked.backup or max(bucket.backups(owners[0]), default=None)
    if backup is None:
        fail("there is no backup of that tenant", 2)
    if asked.to.exists() and any(asked.to.iterdir()):
        fail(f"{asked.to} is not empty", 2)
    found = write_backup(Owner(bucket, owners[0], identity), backup, asked.to, set(asked.table))
    say({"backup": backup, "tables": found})
    return 0 if all(table["digest_matches"] for table in found) else 1


if __name__ == "__main__":
    try:
        sys.exit(run(arguments()))
    except Unreadable as error:
        fail(str(error), 1)
