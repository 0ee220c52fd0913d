"""Hands a sealed package to whoever passes it on: copied, checked, and written down as fetched, in that order.

A copy that nobody wrote down is one that nobody can be asked about.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from genuka_pipelines.control.opaque import Id, Opaque
from genuka_pipelines.exports.work import room
from genuka_pipelines.requests.package.errors import NoPlaceToPut, NoSuchPackage
from genuka_pipelines.requests.package.making import place
from genuka_pipelines.stores.errors import CorruptObject, NoSuchObject

if TYPE_CHECKING:
    from genuka_pipelines.control import Delivery
    from genuka_pipelines.requests.house import Answering

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Fetched:
    """A copy of a sealed package, how often it was fetched by now, and until when it may be."""

    path: Path
    sha256: str
    size: int
    downloads: int
    expires_at: datetime


class _Fetching(Opaque):
    """Who fetches."""

    noun = "a download"
    by: Id


def fetch(house: Answering, request: str, to: Path, *, by: str, now: datetime) -> Fetched:
    """Copy the sealed package of a request into a new file. NoSuchPackage, NoPlaceToPut, NotOpaque, RequestNotThere."""
    _Fetching(by=by)
    house.control.requests.get(request)
    found = _open(house, request, now)
    if to.exists() or not to.parent.is_dir():
        raise NoPlaceToPut(f"{to} is there already, or its folder is not: give a new file in a folder that is there")
    aside = to.with_name(f".{to.name}.{os.getpid()}.half")
    try:
        with room():
            _copy(house, found, aside, now)
        # Written down before the copy has its name: nobody has it yet, and what nobody counted nobody gets.
        counted = house.control.deliveries.downloaded(found.id, now=now)
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        aside.replace(to)
    except FileExistsError:
        raise NoPlaceToPut(f"{to} is there already: give a new file") from None
    except PermissionError:
        raise NoPlaceToPut(f"{to.parent} may not be written to: give a file in another folder") from None
    finally:
        aside.unlink(missing_ok=True)
    return Fetched(to, found.sha256, found.size, counted.downloads, found.expires_at)


def _open(house: Answering, request: str, now: datetime) -> Delivery:
    made = house.control.deliveries.of(request)
    if not made:
        raise NoSuchPackage(f"nothing was handed over for request {request}; `genuka request show {request}` says why")
    last = made[-1]
    if not last.is_open(now):
        raise NoSuchPackage(
            f"the package of request {request} was withdrawn or its time is over: register a new request for another"
        )
    return last


def _copy(house: Answering, found: Delivery, aside: Path, now: datetime) -> None:
    state = hashlib.sha256()
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        try:
            with house.store(place(house, now)[0]).open(found.key) as reader:
                while block := reader.read(_BLOCK):
                    state.update(block)
                    out.write(block)
        except (NoSuchObject, CorruptObject):
            raise _gone(found) from None
        out.flush()
        os.fsync(out.fileno())
    if state.hexdigest() != found.sha256:
        raise _gone(found)


def _gone(found: Delivery) -> NoSuchPackage:
    return NoSuchPackage(
        f"the package of request {found.request} is not in its store as it was made: register a new request for another"
    )
