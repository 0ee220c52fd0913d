"""The one composition root: settings to opened systems, stores, keys and control.

The terminal, the tests and the single Dagster resource all get the house from here, so that it is
opened in one way and closed in one place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.host import is_this_machine
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.settings import NotConfigured, Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy import URL

    from genuka_pipelines.catalog.expectation import Expectation
    from genuka_pipelines.control import Control
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.aged import Aged
    from genuka_pipelines.rows.content import Contents
    from genuka_pipelines.rows.databases import Databases
    from genuka_pipelines.stores.store import Store
    from genuka_pipelines.systems.recipient import Recipient


class Runtime:
    """The opened house. Everything opens on first use and stays open until `close`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opened = ExitStack()
        self._databases: dict[str, Databases] = {}
        self._stores: dict[str, Store] = {}
        self._contents: dict[str, Contents] = {}
        self._recipients: dict[str, Recipient] = {}
        self._lock = threading.Lock()
        self.run_history: Aged | None = None
        """Dagster's own history, where Dagster is who opened the house."""

    @cached_property
    def catalog(self) -> Catalog:
        """The declared facts."""
        return load_catalog(self.settings.assets)

    @cached_property
    def control(self) -> Control:
        """The control database: ledger, leases, reviews."""
        from genuka_pipelines.control import open_control

        url = self.settings.url("control").render_as_string(hide_password=False)
        return self._opened.enter_context(open_control(url))

    @cached_property
    def keyring(self) -> Keyring:
        """The keys."""
        from genuka_pipelines.keys import open_keyring

        return open_keyring(self.settings.keys, given=self.settings.key_files)

    def databases(self, system: str) -> Databases:
        """The shared database of a system, and those of its tenants that have one of their own."""
        from genuka_pipelines.rows.databases import open_databases

        with self._lock:
            if system not in self._databases:
                declared = self.catalog.systems[system]
                opened = open_databases(
                    self.url(system),
                    name=system,
                    tenants=declared.tenants,
                    url_of=self.settings.tenant_url,
                )
                self._databases[system] = self._opened.enter_context(opened)
            return self._databases[system]

    def url(self, system: str) -> URL:
        """The address of a database system; raises NotConfigured."""
        return self.settings.url(self._setting(system))

    def store(self, system: str) -> Store:
        """The store of a system."""
        name = self._setting(system)
        if name not in self._stores:
            opened = self._open_store(name)
            if self.settings.store(name).url.startswith("s3://"):
                opened.probe()
            self._stores[name] = opened
        return self._stores[name]

    def store_for_expiry(self, system: str) -> Store:
        """The same store with the credentials that may end what is over there; a folder has none."""
        name, known = self._setting(system), self.store(system)
        if self.settings.store(name).url.startswith("file:"):
            return known
        return self._open_store(name, role="expiry", capabilities=known.capabilities())

    def _open_store(self, name: str, **options: Any) -> Store:
        from genuka_pipelines.stores.open import open_store

        address = self.settings.store(name)
        return open_store(
            address.url,
            name=name,
            endpoint=address.endpoint,
            region=address.region,
            # Names of media files may be names of people.
            private_keys=name == "media",
            administrative_lock=address.lock == "administrative",
            **options,
        )

    def aged(self, system: str) -> Aged | None:
        """What ends by its age in a store, a folder or the run history; None where only Dagster can reach it."""
        from genuka_pipelines.rows.aged import AgedFiles, AgedObjects

        kind = self.catalog.systems[system].kind
        if kind == "store":
            return AgedObjects(self.store(system))
        if kind == "folder":
            return AgedFiles(self.staging, "*.parquet")
        return self.run_history if kind == "run_storage" else None

    def final_copy(self, tenant: str) -> datetime | None:
        """When the last backup of a tenant was made that every region holds and verified; None where there is none."""
        from genuka_pipelines.backups.nightly import newest_verified
        from genuka_pipelines.backups.owner import owner_of

        owner = owner_of(tenant, self.keyring).id
        now = datetime.now(UTC)
        found = [newest_verified(self, plan, owner, now=now) for plan in self.catalog.backups.values()]
        return min((one for one in found if one), default=None) if all(found) else None

    def contents(self, system: str) -> Contents:
        """What rows point at in a system: objects, recordings, chats. Raises NotConfigured, or what is wrong."""
        with self._lock:
            if system not in self._contents:
                self._contents[system] = self._open_contents(system)
            return self._contents[system]

    def _open_contents(self, system: str) -> Contents:
        from genuka_pipelines.rows.content import ByHand
        from genuka_pipelines.rows.contents_in_stores import ContentsInStore, shelved

        declared = self.catalog.systems[system]
        if declared.kind == "store":
            return ContentsInStore(self.store(system))
        try:
            service = self.settings.service(self._setting(system))
        except NotConfigured:
            if declared.by_hand is None:
                raise
            return ByHand(system, declared.by_hand)
        if not (service.project and service.key_file):
            from genuka_pipelines.stores.open import open_store

            return ContentsInStore(open_store(service.url, name=system, private_keys=True), named=shelved)
        from genuka_pipelines.rows.contents_at_posthog import RecordingsAtPostHog
        from genuka_pipelines.systems.posthog.recordings import open_recordings

        recordings = open_recordings(
            service.url,
            service.project,
            service.key_file,
            per_minute=service.requests_per_minute,
            per_hour=service.requests_per_hour,
        )
        self._opened.callback(recordings.close)
        return RecordingsAtPostHog(recordings)

    def recipient(self, name: str) -> Recipient | None:
        """The interface of somebody who was given data; None where none is known, or nobody gave a key to it."""
        from genuka_pipelines.systems.stripe.customers import open_customers

        with self._lock:
            for known, at in self.settings.recipients.items():
                if known == name and name not in self._recipients:
                    opened = open_customers(at.url, at.key_file)
                    self._opened.callback(opened.close)
                    self._recipients[name] = opened
            return self._recipients.get(name)

    @property
    def staging(self) -> Path:
        """The folder of staged tables, private to this user."""
        folder = self.settings.home / "staging"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def unmet(self, columns: Mapping[str, Sequence[object]], expected: Expectation) -> int | None:
        """How many rows of a small table of our own fail an expectation; None where that could not be found out."""
        from genuka_pipelines.quality.expectations import unmet_in_frame

        return unmet_in_frame(columns, expected)

    @property
    def backups(self) -> Path:
        """The folder of what backups can make anew: row index, state, spools; private to this user."""
        folder = self.settings.home / "backups"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def exports(self) -> Path:
        """The folder in which archives are put together and gone from once they are sealed; private to this user."""
        folder = self.settings.home / "exports"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def host(self, system: str) -> str | None:
        """The host that a system's setting names; None for what is in this machine."""
        from urllib.parse import urlsplit

        name = self._setting(system)
        if name == "home" or name in self.settings.embedded:
            return None
        if self.catalog.systems[system].kind == "database":
            return _beyond(self.settings.url(name).host)
        if self.catalog.systems[system].kind == "service":
            return _beyond(self.settings.service(name).host)
        address = self.settings.store(name)
        if address.endpoint:
            return _beyond(urlsplit(address.endpoint).hostname)
        return f"s3.{address.region}.amazonaws.com" if address.url.startswith("s3://") else None

    def objects(self, system: str, prefix: str) -> int | None:
        """How many objects a store or folder holds below a prefix; None for what has none to count."""
        kind = self.catalog.systems[system].kind
        if kind == "store":
            return sum(1 for _ in self.store(system).list(prefix))
        if kind == "folder":
            return sum(1 for path in self.staging.rglob("*.parquet") if path.is_file())
        return None

    def close(self) -> None:
        """Close what was opened."""
        self._opened.close()

    def _setting(self, system: str) -> str:
        setting = self.catalog.systems[system].setting
        if setting is None:
            raise NotConfigured(f"the system {system} is a service: it is not opened by a setting")
        return setting


@contextmanager
def open_runtime(settings: Settings | None = None) -> Iterator[Runtime]:
    """The house for one command, closed at the end."""
    runtime = Runtime(settings or load_settings())
    try:
        yield runtime
    finally:
        runtime.close()


def shared_runtime() -> Runtime:
    """The house of a long-lived process; a new one where the settings have changed."""
    return _shared(_Frozen(load_settings()))


def _beyond(host: str | None) -> str | None:
    """The host, unless it is this machine, whose place an address does not tell."""
    return None if is_this_machine(host) else host


class _Frozen:
    """Settings compared by what they say, so that a process opens each house once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._said = repr(settings.model_dump_json()) + str(
            sorted((name, value.get_secret_value()) for name, value in settings.databases.items())
            + sorted((name, value.get_secret_value()) for name, value in settings.tenants.items())
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and other._said == self._said

    def __hash__(self) -> int:
        return hash(self._said)


@cache
def _shared(frozen: _Frozen) -> Runtime:
    return Runtime(frozen.settings)


def prepare(settings: Settings, *, started: bool, now: datetime) -> None:
    """Make keys, embedded stores and the control database's tables where they are missing; safe to repeat."""
    from genuka_pipelines.control import Lifecycle, open_control
    from genuka_pipelines.keys import open_keyring
    from genuka_pipelines.stores.open import open_store

    for name, address in settings.stores.items():
        if name in settings.embedded:
            open_store(address.url, name=name, create=True)
    for service, stand_in in settings.services.items():
        if stand_in.is_folder:
            open_store(stand_in.url, name=service, create=True)
    open_keyring(settings.keys, create=True, given=settings.key_files)
    url = settings.url("control").render_as_string(hide_password=False)
    with open_control(url, upgrade=True) as control:
        if started:
            control.ledger.append(Lifecycle(event="up"), as_of=now, now=now)
