"""Packages as whoever receives them opens them: unsealed, unzipped, the document validated by its own schema."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jsonschema
import pyrage  # type: ignore[import-untyped]

from genuka_pipelines.exports import Opener, Recipient
from genuka_pipelines.keys import Secret
from genuka_pipelines.requests.addresses import Sought, sought
from genuka_pipelines.requests.finding import find
from genuka_pipelines.requests.package.choosing import PackageKind, choose
from genuka_pipelines.requests.package.described import described
from genuka_pipelines.requests.package.making import Limits, opens
from genuka_pipelines.requests.person import Person
from genuka_pipelines.requests.selecting import routed
from genuka_pipelines.runtime import Runtime
from tests.scenarios.sweeping_world import AS_OF

IDENTITY = pyrage.x25519.Identity.generate()
TO = Recipient(age=str(IDENTITY.to_public()))
OPENER = Opener(identities=(Secret(str(IDENTITY).encode()),))


@dataclass(frozen=True)
class Opened:
    """A package in clear."""

    raw: bytes

    @cached_property
    def files(self) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(self.raw)) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}

    @cached_property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files["data.json"])
        schema = json.loads(self.files["data.schema.json"])
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(found)
        return found

    @property
    def page(self) -> str:
        return self.files["index.html"].decode()

    @property
    def everything(self) -> str:
        return "\n".join(content.decode("utf-8", "replace") for content in self.files.values())

    @property
    def categories(self) -> dict[str, dict[str, Any]]:
        return {one["category"]: one for one in self.data["categories"]}

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        return {table["table"]: table for one in self.data["categories"] for table in one["tables"]}


def whom(*who: str) -> Sought:
    return sought(who, ["user", "hired", "applicant", "genletter_user"])


def found(house: Runtime, *who: str) -> Person:
    return find(house, whom(*who), as_of=AS_OF)


@cache
def known(house: Runtime, who: str) -> Person:
    """The same, in a house whose rows stay."""
    return found(house, who)


@cache
def given(house: Runtime, who: str) -> Opened:
    """A package, in a house whose rows stay."""
    return package(house, known(house, who), who)


def package(
    house: Runtime, person: Person, *who: str, kind: PackageKind = "access", limits: Limits | None = None
) -> Opened:
    """The package of a person, without its envelope."""
    return Opened(b"".join(streamed(house, person, *who, kind=kind, limits=limits)))


def streamed(
    house: Runtime, person: Person, *who: str, kind: PackageKind = "access", limits: Limits | None = None
) -> Iterator[bytes]:
    choice = choose(house, kind, person, routed(house, person, as_of=AS_OF), as_of=AS_OF)
    asked = whom(*who) if who else Sought()
    what = described(house, choice, "bcdfghjkmnpq", asked, as_of=AS_OF, now=AS_OF, language="fr")
    return opens(house, what, limits or Limits())


def keyed(kind: str, key: str) -> Person:
    """Somebody who is known by a key alone."""
    return Person(keys={kind: frozenset({key})}, rows={}, mentions={})


def unsealed(path: Path, opener: Opener = OPENER) -> Opened:
    out = io.BytesIO()
    with path.open("rb") as sealed:
        opener.open(sealed, out)
    return Opened(out.getvalue())
