"""`genuka doctor`: looks at every part and says what to do about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import Json, one_sentence, show, table
from genuka_pipelines.cli.texts import said
from genuka_pipelines.runtime import Runtime, open_runtime
from genuka_pipelines.settings import home_of, load_settings

OPTIONAL = ("analytics", "drill")
"""Settings that a house may do without."""


@dataclass(frozen=True)
class Part:
    """One part of the house: whether it answers, and a sentence about it."""

    name: str
    ok: bool
    detail: str


@one_sentence
def doctor(json: Json = False) -> None:
    """Look at every part and say what to do about each; exit 2 where one does not answer."""
    parts = list(_parts())
    content = {"checks": [{"name": part.name, "ok": part.ok, "detail": part.detail} for part in parts]}
    rows = [(part.name, said("ok") if part.ok else said("NOT OK"), part.detail) for part in parts]
    show(json, content, lambda: table("Doctor", ("part", "state", "detail"), rows))
    if not all(part.ok for part in parts):
        raise typer.Exit(2)


def _parts() -> Iterator[Part]:
    from genuka_pipelines.demo.embedded import stack_status

    for status in stack_status(home_of()):
        yield Part(f"embedded {status.name}", status.state == "up", status.detail)
    try:
        settings = load_settings()
    except GenukaError as error:
        yield Part("settings", False, str(error))
        return
    yield Part("settings", True, f"home {settings.home}")
    with open_runtime(settings) as runtime:
        yield _tried("facts", lambda: _facts(runtime))
        yield _tried("keys", lambda: ", ".join(runtime.keyring.ids))
        yield _tried("control", lambda: _control(runtime))
        for name, system in runtime.catalog.systems.items():
            if system.setting in (None, "home") or (system.setting in OPTIONAL and not _has(runtime, system.setting)):
                continue
            if system.kind == "database":
                yield _tried(name, lambda name=name: _database(runtime, name))  # type: ignore[misc]
            elif system.kind == "store":
                yield _tried(name, lambda name=name: _store(runtime, name))  # type: ignore[misc]
            elif system.kind == "service":
                yield _tried(name, lambda name=name: _service(runtime, name))  # type: ignore[misc]


def _tried(name: str, look: Callable[[], str]) -> Part:
    try:
        return Part(name, True, look())
    except GenukaError as error:
        return Part(name, False, str(error))


def _facts(runtime: Runtime) -> str:
    catalog = runtime.catalog
    return f"{len(catalog.categories)} categories, {len(catalog.clauses)} clauses"


def _control(runtime: Runtime) -> str:
    weak = runtime.control.weaknesses()
    return f"ledger ends with entry {runtime.control.ledger.head().seq}" + (f"; {', '.join(weak)}" if weak else "")


def _database(runtime: Runtime, system: str) -> str:
    from genuka_pipelines.systems.server import server_facts

    facts = server_facts(runtime.databases(system).shared)
    hidden = f"; rows hidden from this role in {', '.join(facts.hidden)}" if facts.hidden else ""
    return f"{facts.product} {facts.version}{', embedded' if facts.is_embedded else ''}{hidden}"


def _store(runtime: Runtime, system: str) -> str:
    found = runtime.store(system).probe()
    return f"lock {found.lock}, conditional put {found.conditional_put}, checksums {found.checksums}"


def _service(runtime: Runtime, system: str) -> str:
    return runtime.contents(system).check()


def _has(runtime: Runtime, name: str) -> bool:
    return any(known == name for known in runtime.settings.databases)
