"""Fills the configured databases with the synthetic Genuka, and writes that down in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

from sqlalchemy import Engine, create_engine

from genuka_pipelines.control import Seeded as SeededEntry
from genuka_pipelines.control import open_control
from genuka_pipelines.demo.embedded import create_tenant_database
from genuka_pipelines.demo.seed import Seeded, Target, dedicated_refs, seed
from genuka_pipelines.demo.stand_ins import make_stand_ins
from genuka_pipelines.settings import Settings, load_settings
from genuka_pipelines.stores.errors import AlreadyThere, NoSuchObject, Occupied
from genuka_pipelines.stores.open import open_store
from genuka_pipelines.stores.store import Store


def fill(
    settings: Settings,
    *,
    companies: int,
    days: int,
    seed: int,
    as_of: datetime,
    plant: bool,
    progress: Callable[[str], object],
) -> Seeded:
    """Seed everything; databases of dedicated tenants are made where the stack is embedded."""
    made_in = _with_tenants(settings, companies)
    with ExitStack() as stack:
        target = _target(made_in, stack)
        made = _seed(target, companies, days, seed, as_of, plant, progress)
        make_stand_ins(made_in, target, now=datetime.now(UTC))
    with open_control(made_in.url("control").render_as_string(hide_password=False)) as control:
        body = SeededEntry(companies=companies, days=days, seed=seed, rows=made.tables)
        control.ledger.append(body, as_of=as_of, now=datetime.now(UTC))
    return made


def _seed(
    target: Target,
    companies: int,
    days: int,
    number: int,
    as_of: datetime,
    plant: bool,
    progress: Callable[[str], object],
) -> Seeded:
    return seed(target, companies=companies, days=days, seed=number, as_of=as_of, plant=plant, progress=progress)


def _with_tenants(settings: Settings, companies: int) -> Settings:
    if "genuka" not in settings.embedded:
        return settings
    for ref in dedicated_refs(companies):
        create_tenant_database(settings.home, ref)
    return load_settings(home=settings.home)


def _target(settings: Settings, stack: ExitStack) -> Target:
    def engine(url: str) -> Engine:
        made = create_engine(url, hide_parameters=True)
        stack.callback(made.dispose)
        return made

    address = settings.store("media")
    media = open_store(address.url, name="media", endpoint=address.endpoint, region=address.region, create=True)
    put = _in_parallel(stack, lambda key, data: _put(media, key, data))
    return Target(
        genuka=engine(settings.url("genuka").render_as_string(hide_password=False)),
        genletter=engine(settings.url("genletter").render_as_string(hide_password=False)),
        tenant_engine=lambda ref: engine(settings.tenant_url(ref).render_as_string(hide_password=False)),
        put_media=put,
        drop_media=lambda key: _drop(media, key),
    )


def _in_parallel(stack: ExitStack, put: Callable[[str, bytes], None]) -> Callable[[str, bytes], None]:
    """Write many objects at once, each durable on its own; the first failure comes out at the end."""
    pool = ThreadPoolExecutor(max_workers=16)
    waiting: list[Future[None]] = []

    def finish() -> None:
        pool.shutdown()
        for future in waiting:
            future.result()

    stack.callback(finish)
    return lambda key, data: waiting.append(pool.submit(put, key, data))


def _put(store: Store, key: str, data: bytes) -> None:
    try:
        store.put(key, data)
    except AlreadyThere:
        return
    except Occupied:
        store.put(key, data, if_absent=False)


def _drop(store: Store, key: str) -> None:
    try:
        version = store.head(key).version
    except NoSuchObject:
        return
    store.delete(key, version=version)
