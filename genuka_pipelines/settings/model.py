"""The settings as one frozen value, and the questions other rooms ask it.

Rooms ask for a thing by its name and get an address or one sentence; nobody else reads variables, so
nobody else can read one differently.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from genuka_pipelines.catalog.value import Language
from genuka_pipelines.settings.addresses import DatabaseUrl, StoreAddress, as_url, same_database
from genuka_pipelines.settings.errors import NotConfigured
from genuka_pipelines.settings.names import DATABASES, EMBEDDABLE, SERVICES, STORES, tenant_ref, variable_of
from genuka_pipelines.settings.paths import FolderOfFacts, KeyFile, absolute
from genuka_pipelines.settings.services import RecipientAddress, ServiceAddress

if TYPE_CHECKING:
    from sqlalchemy import URL


def spoken(value: str) -> Language:
    """A language of this house; raises ValueError."""
    match value.strip().lower():
        case "fr":
            return "fr"
        case "en":
            return "en"
    raise ValueError("is not a language of this program: write fr or en")


class Settings(BaseModel):
    """Everything this house was told about its surroundings; `load_settings` builds it.

    Addresses of databases are secrets: printed or dumped they show stars.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    home: Annotated[Path, AfterValidator(absolute)] = Path(".genuka")
    assets: FolderOfFacts = Path(__file__).parents[2] / "assets"
    databases: dict[Literal["genuka", "genletter", "control", "analytics", "drill"], DatabaseUrl] = {}
    stores: dict[Literal["media", "france", "usa", "exports", "published"], StoreAddress] = {}
    services: dict[Literal["posthog", "tawk_to"], ServiceAddress] = {}
    recipients: dict[Literal["stripe"], RecipientAddress] = {}
    """Those whose interface this house has a key to."""
    key_files: dict[str, KeyFile] = {}
    """`GENUKA_KEY_SIGNING_FILE` is the entry `signing`."""
    tenants: dict[str, DatabaseUrl] = {}
    """`GENUKA_TENANT_DSN__ACME` is the entry `ACME`."""
    language: Annotated[Language, BeforeValidator(spoken)] = "en"
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What bounds and adds up the rows of tables for analysts."""
    embedded: frozenset[str] = frozenset()
    """The databases and stores that `genuka up` brought; their addresses hold no secret."""

    @model_validator(mode="after")
    def _one_place_each(self) -> Settings:
        places: list[tuple[str, object]] = [
            *((variable_of(("stores", name)), (unquote(at.url), at.endpoint)) for name, at in self.stores.items()),
            *((variable_of(("services", name)), (unquote(at.url), None)) for name, at in self._stand_ins()),
        ]
        seen: dict[object, str] = {}
        for variable, place in places:
            first = seen.setdefault(place, variable)
            if first != variable:
                raise ValueError(f"{first} and {variable} name the same place: give each store one of its own")
        control = self.databases.get("control")
        for database, address in self.databases.items():
            if control and database != "control" and same_database(control, address):
                ours, theirs = variable_of(("databases", "control")), variable_of(("databases", database))
                raise ValueError(f"{ours} and {theirs} name the same database: give control one of its own")
        return self

    @model_validator(mode="after")
    def _no_program_deletes_at_tawk_to(self) -> Settings:
        if any(name == "tawk_to" and not address.is_folder for name, address in self.services.items()):
            raise ValueError(f"{variable_of(('services', 'tawk_to'))} is no folder: only a demo's folder can be told")
        return self

    def _stand_ins(self) -> list[tuple[str, ServiceAddress]]:
        return [(name, address) for name, address in self.services.items() if address.is_folder]

    @property
    def keys(self) -> Path:
        """The folder of keys made here; a file named in `key_files` comes before it."""
        return self.home / "keys"

    def url(self, name: str) -> URL:
        """The address of database `genuka`, `genletter`, `control`, `analytics` or `drill`; raises NotConfigured.

        `drill` is where restores are tried; beside embedded databases it is the same server.
        """
        for known, secret in self.databases.items():
            if known == name:
                return as_url(secret)
        if name == "drill" and "genuka" in self.embedded:
            return self.url("genuka").set(database="genuka_drill")
        raise _missing("database", ("databases", name), DATABASES)

    def store(self, name: str) -> StoreAddress:
        """The address of store `media`, `france`, `usa`, `exports` or `published`; raises NotConfigured."""
        for known, address in self.stores.items():
            if known == name:
                return address
        raise _missing("store", ("stores", name), STORES)

    def service(self, name: str) -> ServiceAddress:
        """The address of service `posthog` or `tawk_to`; raises NotConfigured."""
        for known, address in self.services.items():
            if known == name:
                return address
        raise _missing("service", ("services", name), SERVICES)

    def tenant_url(self, ref: str) -> URL:
        """The address of the database of its own that a tenant has under `ref`; raises NotConfigured."""
        secret = self.tenants.get(tenant_ref(ref))
        if secret is None:
            variable = variable_of(("tenants", tenant_ref(ref)))
            raise NotConfigured(f"the tenant database {tenant_ref(ref)} is not configured: set {variable}")
        return as_url(secret)


def _missing(what: str, place: tuple[str, str], valid: Iterable[str]) -> NotConfigured:
    name = place[1]
    if name not in valid:
        return NotConfigured(f"there is no {what} {name}: valid are {', '.join(valid)}")
    remedy = " or run `genuka up`" if name in EMBEDDABLE else ""
    return NotConfigured(f"the {what} {name} is not configured: set {variable_of(place)}{remedy}")
