"""Whom or what a hold binds, and how that is kept: what names a row or a person sealed, the rest in clear.

A list of the people in a dispute is itself something to protect; the ledger gets a keyed hash at most.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, assert_never

from genuka_pipelines.control.bodies import ScopeKind
from genuka_pipelines.control.canonical import canonical_json
from genuka_pipelines.control.errors import HoldUnclear
from genuka_pipelines.control.opaque import Id, Key, Name, Opaque

_UNIT = "\x1f"


class Hasher(Protocol):
    """A keyed hash."""

    def hex(self, message: bytes) -> str:
        """64 hex digits."""


class Keys(Protocol):
    """What this room asks of the keyring."""

    @property
    def erasure(self) -> Hasher:
        """The keyed hash that never changes."""

    def seal(self, data: bytes, context: str) -> bytes:
        """Bytes that only `unseal` gives back."""

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """What `seal` was given."""


@dataclass(frozen=True, slots=True)
class RowScope:
    """One row, by the parts of its key as text; of one system, or of each that has such a table."""

    table: str
    key: tuple[str, ...] = field(repr=False)
    system: str = ""


@dataclass(frozen=True, slots=True)
class SubjectScope:
    """One person: the keys by kind of data subject, as the catalogue names kinds."""

    keys: Mapping[str, tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TenantScope:
    """Every row of a tenant, by its id."""

    tenant: str


@dataclass(frozen=True, slots=True)
class CategoryScope:
    """Every row of a category, `product/category`."""

    category: str


Scope = RowScope | SubjectScope | TenantScope | CategoryScope


@dataclass(frozen=True, slots=True)
class SealedScope:
    """A scope as it is kept. `target` is a table, a tenant or a category; empty for a person."""

    kind: ScopeKind
    target: str
    system: str = ""
    digest: str | None = None
    sealed: bytes | None = field(default=None, repr=False)

    def opened(self, keys: Keys, context: str) -> Scope:
        """The scope again. Undecryptable when `keys` are not those that sealed it, here or for this context."""
        match self.kind:
            case "row":
                return RowScope(self.target, tuple(json.loads(self._unsealed(keys, context))), self.system)
            case "subject":
                named = json.loads(self._unsealed(keys, context))
                return SubjectScope({kind: tuple(values) for kind, values in named.items()})
            case "tenant":
                return TenantScope(self.target)
            case "category":
                return CategoryScope(self.target)
            case _:
                assert_never(self.kind)

    def _unsealed(self, keys: Keys, context: str) -> bytes:
        return keys.unseal(self.sealed or b"", context)


class _InClear(Opaque):
    noun = "a hold's scope"
    table: Name | None = None
    system: Name | Literal[""] = ""
    tenant: Id | None = None
    category: Key | None = None
    kinds: tuple[Name, ...] = ()


def seal_scope(scope: Scope, keys: Keys, context: str) -> SealedScope:
    """A scope for the table. NotOpaque, or HoldUnclear when it names nobody."""
    match scope:
        case RowScope(table=table, key=key, system=system):
            _InClear(table=table, system=system)
            _refuse_empty(key)
            sealed = keys.seal(canonical_json(list(key)).encode(), context)
            # The text that names a row everywhere, so that hashes can be compared.
            return SealedScope("row", table, system, _digest(keys, table, *key), sealed)
        case SubjectScope(keys=named):
            _InClear(kinds=tuple(named))
            _refuse_empty([value for values in named.values() for value in values])
            text = canonical_json({kind: sorted(set(values)) for kind, values in named.items()})
            return SealedScope("subject", "", "", _digest(keys, "subject", text), keys.seal(text.encode(), context))
        case TenantScope(tenant=tenant):
            _InClear(tenant=tenant)
            return SealedScope("tenant", tenant, digest=tenant_digest(tenant, keys))
        case CategoryScope(category=category):
            _InClear(category=category)
            return SealedScope("category", category)
        case _:
            assert_never(scope)


def tenant_digest(tenant: str, keys: Keys) -> str:
    """A tenant as the ledger may name it."""
    return _digest(keys, "tenant", tenant)


def _digest(keys: Keys, *parts: str) -> str:
    return keys.erasure.hex(_UNIT.join(parts).encode())


def _refuse_empty(values: Sequence[str]) -> None:
    if not values or not all(values):
        raise HoldUnclear("a hold on a row or a person needs a key, and none may be empty: say whom it is to bind")
