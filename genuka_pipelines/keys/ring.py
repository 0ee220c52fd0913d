"""Every key of the house, opened once and checked at once.

A key that is lost and silently made anew is worse than one that is missing: old opt-outs match nobody
and old backups open for nobody. So what was once made is remembered, and never made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import combinations
from pathlib import Path

from genuka_pipelines.keys.days import NAME as DEVICE_DAY
from genuka_pipelines.keys.days import DeviceDays
from genuka_pipelines.keys.epochs import PseudonymRing
from genuka_pipelines.keys.errors import KeyHeldElsewhere, KeyMissing, KeyReplaced, KeysNotApart, KeyUnusable
from genuka_pipelines.keys.escrow import read_recipients
from genuka_pipelines.keys.files import (
    alone,
    new_secret,
    private_folder,
    read_secret,
    read_state,
    write_secret,
    write_state,
)
from genuka_pipelines.keys.mac import HmacKey
from genuka_pipelines.keys.root import RootKey
from genuka_pipelines.keys.sealing import SealingKey
from genuka_pipelines.keys.secret import Secret
from genuka_pipelines.keys.signing import SigningKey

HASHING = ("suppression", "erasure")
NEVER_ROTATE = (*HASHING, "sealing")
SECRETS = (*NEVER_ROTATE, "signing")
RINGS = ("pseudonym_browser", "pseudonym_identity")
GIVABLE = (*SECRETS, *RINGS, "root", "escrow")
VERSION = 1


class Keyring:
    """The keys: `root`, `signing`, `sealing`, `suppression`, `erasure`, two pseudonym rings, and a key a day.

    `escrow` are the age recipients that may open the tenants' keys beside the root; empty where none were given.
    """

    def __init__(self, folder: Path, given: Mapping[str, Path]) -> None:
        secrets = {name: _secret(name, folder, given) for name in SECRETS}
        rings = {name: read_secret(given[name], given=True) for name in RINGS if name in given}
        _refuse_same({**secrets, **rings})
        self.root = RootKey.load(given.get("root", folder / "root.age"), given="root" in given)
        self.escrow = read_recipients(given["escrow"]) if "escrow" in given else ()
        self.signing = SigningKey(secrets["signing"])
        self.sealing = SealingKey("sealing", secrets["sealing"])
        self.suppression, self.erasure = (HmacKey(name, secrets[name].id, secrets[name]) for name in HASHING)
        self.pseudonym_browser, self.pseudonym_identity = (
            PseudonymRing(name, folder / name, rings.get(name)) for name in RINGS
        )
        self._days = DeviceDays(folder / DEVICE_DAY)
        self.pseudonym_browser.current()
        self.pseudonym_identity.current()
        self._days.check()

    @property
    def ids(self) -> Mapping[str, str]:
        """By name, what may be told of each key: no secret."""
        return {
            **self.lasting,
            **dict.fromkeys((*RINGS, DEVICE_DAY), "rotates"),
            "signing": self.signing.id,
            "root": self.root.recipient,
        }

    @property
    def lasting(self) -> Mapping[str, str]:
        """The ids of the keys that never rotate, by name."""
        return {key.name: key.id for key in (self.suppression, self.erasure, self.sealing)}

    def seal(self, data: bytes, context: str) -> bytes:
        """Bytes that only `unseal` with the same `context` (what they are for; not secret) gives back."""
        return self.sealing.seal(data, context)

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """The bytes that `seal` was given; Undecryptable, naming the context, for any other."""
        return self.sealing.unseal(sealed, context)

    def sign(self, message: bytes) -> bytes:
        """Our signature of a message, 64 bytes."""
        return self.signing.sign(message)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether we signed this message."""
        return self.signing.verify(signature, message)

    def device_day(self, day: date) -> HmacKey:
        """The key of a UTC day, made when first asked for; KeyDestroyed once that day is closed."""
        return self._days.key(day)

    def destroy_device_days(self, before: date, *, now: datetime) -> tuple[date, ...]:
        """Closes every UTC day before `before` for good; returns the days that had a key."""
        return self._days.destroy(before, now=now)

    def __repr__(self) -> str:
        return f"<Keyring root {self.root.recipient} signing {self.signing.id}>"


def open_keyring(folder: Path, *, create: bool = False, given: Mapping[str, Path] | None = None) -> Keyring:
    """Opens the keys in `folder` (mode 0700, files 0600); with `create`, makes those never made before.

    `given` maps a key's name to a file of the operator's that is used instead. Raises KeyMissing,
    KeyUnusable, KeyReplaced, KeysNotApart, KeyHeldElsewhere, KeyFolderUnusable.
    """
    given = dict(given or {})
    _refuse_names(given)
    private_folder(folder, create=create)
    if create:
        with alone(folder):
            _make_missing(folder, given)
            ring = Keyring(folder, given)
            _remember(folder, ring)
        return ring
    _refuse_never_made(folder, given)
    ring = Keyring(folder, given)
    _refuse_replaced(ring, _made(folder))
    return ring


def _make_missing(folder: Path, given: Mapping[str, Path]) -> None:
    made = _made(folder)
    for name in SECRETS:
        path = folder / f"{name}.key"
        if name not in given and name not in made and not path.exists():
            write_secret(path, new_secret())
    if "root" not in given and "root" not in made and not (folder / "root.age").exists():
        RootKey.generate().save(folder / "root.age")
    for name in RINGS:
        if name not in given and name not in made and not (folder / name / "state.json").exists():
            PseudonymRing(name, folder / name).make()
    if DEVICE_DAY not in made and not (folder / DEVICE_DAY / "state.json").exists():
        DeviceDays(folder / DEVICE_DAY).make()


def _remember(folder: Path, ring: Keyring) -> None:
    made = _made(folder)
    _refuse_replaced(ring, made)
    now = {
        **ring.lasting,
        **dict.fromkeys((*RINGS, DEVICE_DAY), "made"),
        "signing": ring.signing.id,
        "root": ring.root.recipient,
    }
    if made != now:
        write_state(folder / "ring.json", {"version": VERSION, "made": now})


def _made(folder: Path) -> dict[str, str]:
    """What was made before, by name: the public id of a key, no secret."""
    state = read_state(folder / "ring.json")
    if state is None:
        return {}
    if state.get("version") != VERSION or not isinstance(state.get("made"), dict):
        raise KeyUnusable(
            f"{folder / 'ring.json'} is altered, or of a newer version than {VERSION}: "
            "put it back from your copy, or install the newer genuka-pipelines"
        )
    return {str(name): str(id_) for name, id_ in state["made"].items()}


def _refuse_replaced(ring: Keyring, made: Mapping[str, str]) -> None:
    for name, id_ in ring.lasting.items():
        if made.get(name, id_) != id_:
            harm = "what it sealed would stay closed" if name == "sealing" else "old entries would match nobody"
            raise KeyReplaced(
                f"the {name} key {id_} is not the one first used ({made[name]}): "
                f"put that one back, for it never rotates and {harm}"
            )


def _refuse_never_made(folder: Path, given: Mapping[str, Path]) -> None:
    # A home of an older program lacks a newer key: to put back a copy would be the wrong advice.
    made = _made(folder)
    for name in SECRETS:
        path = folder / f"{name}.key"
        if made and name not in given and name not in made and not path.exists():
            raise KeyMissing(f"the key file {path} was not made yet: `genuka up` makes it")


def _secret(name: str, folder: Path, given: Mapping[str, Path]) -> Secret:
    return read_secret(given[name], given=True) if name in given else read_secret(folder / f"{name}.key")


def _refuse_same(secrets: Mapping[str, Secret]) -> None:
    for (one, first), (other, second) in combinations(secrets.items(), 2):
        if first == second:
            raise KeysNotApart(f"{one} and {other} are the same key: give each a key of its own")


def _refuse_names(names: Iterable[str]) -> None:
    for name in names:
        if name == DEVICE_DAY:
            raise KeyHeldElsewhere("device_day keys are made and destroyed daily: they come from no file")
        if name not in GIVABLE:
            raise KeyMissing(f"there is no key called '{name}': it is one of {', '.join(sorted(GIVABLE))}")
