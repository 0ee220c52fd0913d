"""A provider that holds or receives data: what for, in which role, where, under which contract."""

from __future__ import annotations

import datetime as dt
from fnmatch import fnmatch
from typing import Literal

from pydantic import Field, model_validator

from genuka_pipelines.catalog.value import ClauseId, Identifier, SqlName, Value, Words

SystemKind = Literal["database", "store", "service", "folder", "run_storage"]
Setting = Literal[
    "genuka",
    "genletter",
    "control",
    "analytics",
    "drill",
    "media",
    "france",
    "usa",
    "exports",
    "published",
    "home",
    "posthog",
    "tawk_to",
]


class Place(Value):
    """Where a system is: a country, and whether that is declared by us or proven by its provider."""

    country: str = Field(pattern=r"^[A-Z]{2}$")
    region: str | None = None
    proof: Literal["declared", "proven"] = "declared"


class Tenants(Value):
    """The tables of a database that say who the tenants are, where each lives, and what each agreed to.

    `dropped` is the register's column that dates the end of a dedicated database.
    """

    table: SqlName = "companies"
    key: SqlName = "id"
    registry: SqlName | None = None
    registry_tenant: SqlName = "company_id"
    mode: SqlName = "mode"
    dsn: SqlName = "dsn_secret_ref"
    dropped: SqlName | None = None
    consents: SqlName | None = None
    consents_tenant: SqlName = "company_id"
    consents_purpose: SqlName = "purpose"
    consents_granted: SqlName = "granted_at"
    consents_withdrawn: SqlName = "withdrawn_at"


class System(Value):
    """A database, store or service that holds data, opened through one setting.

    `hosts` are shell patterns that the configured host must match; `embedded` is always accepted in
    a demo and reported as such. `besides` are tables of tools that hold nothing of anyone. `by_hand`
    is the procedure by which people delete there, where no program can.
    """

    kind: SystemKind
    title: Words
    place: Place
    setting: Setting | None = None
    hosts: tuple[str, ...] = ()
    apart_from: tuple[Identifier, ...] = ()
    besides: tuple[SqlName, ...] = ()
    by_hand: Identifier | None = None
    tenants: Tenants | None = None
    clauses: tuple[ClauseId, ...] = ()

    @model_validator(mode="after")
    def _openable(self) -> System:
        if self.kind in ("database", "store") and self.setting is None:
            raise ValueError(f"a {self.kind} needs a setting that opens it, one of genuka, genletter, media, france …")
        return self

    def accepts(self, host: str) -> bool:
        """Whether a host is one of those declared; where none is, any."""
        return not self.hosts or any(fnmatch(host, pattern) for pattern in self.hosts)

    @property
    def is_control(self) -> bool:
        """It is the control database: ours, and living by the wall clock."""
        return self.setting == "control"

    def moment(self, as_of: dt.datetime, now: dt.datetime) -> dt.datetime:
        """The moment a system is looked at as of: no time travels to the control database."""
        return min(as_of, now) if self.is_control else as_of


class Certificate(Value):
    """An attestation that the provider holds, and the day up to which we have seen it to be valid."""

    name: str
    seen: dt.date | None = None
    valid_until: dt.date | None = None


class Contract(Value):
    """The data processing agreement: its date, and where it is filed (a reference, never a link)."""

    dated: dt.date
    reference: str


class Trace(Value):
    """A table whose rows say that a recipient was given them: those whose `column` is `value`.

    `reference` is the column with the recipient's own name for what it was given.
    """

    column: SqlName
    value: str = Field(min_length=1)
    reference: SqlName | None = None


class Telling(Value):
    """How a recipient learns that data it was given are erased, corrected or restricted (GDPR article 19).

    `house`: the act itself reaches what it holds. `adapter`: its interface is asked where a key for it is set, and
    people do the rest; `procedure`: people do it all. `steps` say what they do, and where. With `traces` only people
    whose rows show it were disclosed; without, everybody who may have been.
    """

    by: Literal["house", "adapter", "procedure"]
    steps: Words | None = None
    traces: dict[SqlName, Trace] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _feasible(self) -> Telling:
        if self.by != "house" and self.steps is None:
            raise ValueError("people may have to tell it: say in `steps` what they do, and where")
        return self


class Processor(Value):
    """A provider of the policy's list. `receives` are classifications, in the policy's limits."""

    title: Words
    legal_name: str
    role: Literal["processor", "controller", "processor_and_controller", "own"]
    purposes: tuple[Identifier, ...] = Field(min_length=1)
    receives: tuple[str, ...] = ()
    told: Telling | None = None
    listed: bool = True
    contract: Contract | None = None
    certificates: tuple[Certificate, ...] = ()
    systems: dict[Identifier, System] = Field(default_factory=dict)
    clauses: tuple[ClauseId, ...] = ()
    note: Words | None = None
