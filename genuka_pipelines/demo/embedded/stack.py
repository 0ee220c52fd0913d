"""`genuka up` and `genuka down`: what a bare machine lacks to run the whole house.

Each step may be repeated and may be killed: the home is marked first, `stack.json` is written last
from what is really there, and everything between is looked at before it is made.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genuka_pipelines.demo.embedded import databases
from genuka_pipelines.demo.embedded.cluster import Cluster
from genuka_pipelines.demo.embedded.errors import StackUnavailable, told_in_a_sentence
from genuka_pipelines.demo.embedded.home import make_folders, sole_worker
from genuka_pipelines.demo.embedded.mark import MARK, Mark, read_mark, write_atomically
from genuka_pipelines.demo.embedded.server import find_server, identify, provide_server
from genuka_pipelines.settings import (
    EMBEDDABLE,
    SERVICES,
    STACK_FILE,
    STORES,
    Misconfigured,
    StackFile,
    read_stack,
    tenant_ref,
)

DATABASES = ("genuka", "genletter", "control")
DURABLE = ("control",)
MADE = ("backups", "staging", "exports", "demo", "dagster", "logs")
"""Folders of a home in which the house keeps what it made of the data, and what it did with them."""
_TENANT = "tenant_"


@dataclass(frozen=True)
class Stack:
    """What stands after `up`: addresses by name, the keys' folder, and what a person should know."""

    file: StackFile
    keys: Path
    started: bool
    """Whether the server had to be started."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Downed:
    """What `down` did: whether a server was stopped, which folders were removed and which were kept."""

    stopped: bool = False
    removed: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()


def up(home: Path, *, wanted: Iterable[str] = EMBEDDABLE, base: Path | None = None) -> Stack:
    """Bring the wanted databases and stores (`settings.wanted_parts()`) and write `stack.json`.

    May be repeated, killed and run twice at once. `base` is where the server's folder goes when the
    home cannot hold it. Raises StackUnavailable, UnusableHome or DiskFull.
    """
    home, _ = _known(home)
    parts = _checked(wanted)
    with sole_worker(home), told_in_a_sentence(home):
        before = _before(home)
        mark = identify(home)
        services = [name for name, database in SERVICES.items() if database in parts]
        make_folders(home, [*(name for name in STORES if name in parts), *services])
        cluster, started, notes = None, False, []
        if mark.server or parts.intersection(DATABASES):
            cluster = provide_server(home, mark, base)
            if before and before.databases and not cluster.place.data.exists():
                notes.append(f"the databases of {home} were gone from {cluster.place.root}: they are new and empty")
            started = cluster.ensure_running()
            databases.ensure(cluster.place, [name for name in DATABASES if name in parts], durable=DURABLE)
        file = _record(home, cluster, before)
    return Stack(file, home / "keys", started, tuple(notes))


def create_tenant_database(home: Path, ref: str) -> str:
    """The address of the database of its own of a tenant, created when missing; it joins `stack.json`.

    `ref` is an opaque reference, not a name: it becomes part of a variable and of a database's name.
    """
    home, mark = _known(home)
    reference = tenant_ref(ref)
    if not 0 < len(reference) <= 50:
        raise StackUnavailable(f"{ref!r} cannot name a tenant's database: use 1 to 50 letters, digits or underscores")
    if mark is None or mark.server is None:
        raise StackUnavailable(
            f"{home} has no embedded databases: run `genuka up`, or set GENUKA_TENANT_DSN__{reference}"
        )
    with sole_worker(home), told_in_a_sentence(home):
        cluster = find_server(home, mark)
        if cluster is None:
            raise StackUnavailable(f"the databases of {home} are gone: run `genuka up`")
        databases.ensure(cluster.place, [_TENANT + reference.lower()])
        return _record(home, cluster, _before(home)).tenants[reference]


def down(home: Path, *, wipe: bool = False, wanted: Iterable[str] = EMBEDDABLE) -> Downed:
    """Stop the server that `up` started here, and with `wipe` remove what it made; may be repeated.

    Keys, and what was made of the data, are removed only with a stack that was embedded as a whole: a key that
    sealed something elsewhere (a part missing from `wanted`) is kept, since without it a backup cannot be read.
    """
    home, mark = _known(home)
    if mark is None:
        return Downed()
    with sole_worker(home), told_in_a_sentence(home):
        cluster = find_server(home, mark)
        stopped = cluster is not None and cluster.stop(for_good=wipe)
        if not wipe:
            return Downed(stopped)
        keys, shelf = home / "keys", home / "stores"
        whole = _is_whole(home) and _checked(wanted) == EMBEDDABLE
        ours = [cluster.place.root] if cluster else []
        ours += [shelf] if read_mark(shelf) else []
        ours += [
            one for one in (keys, *(home / name for name in MADE)) if whole and one.is_dir() and not one.is_symlink()
        ]
        # the address first, the mark last: after a crash nothing leads to removed data and `down` goes on
        (home / STACK_FILE).unlink(missing_ok=True)
        for folder in ours:
            _remove(folder)
        (home / MARK).unlink(missing_ok=True)
    return Downed(stopped, tuple(ours), (keys,) if keys.exists() else ())


def _known(home: Path) -> tuple[Path, Mark | None]:
    """The home's one true path, and its mark where `up` ever ran; nothing is made by asking."""
    with told_in_a_sentence(home):
        home = home.expanduser().resolve()
        return home, read_mark(home)


def _checked(wanted: Iterable[str]) -> frozenset[str]:
    parts = frozenset(wanted)
    if strangers := parts - EMBEDDABLE:
        raise StackUnavailable(
            f"there is no embedded {', '.join(sorted(strangers))}: valid are {', '.join(sorted(EMBEDDABLE))}"
        )
    return parts


def _before(home: Path) -> StackFile | None:
    """What an earlier `up` wrote; a damaged or moved file is about to be written anew."""
    with suppress(Misconfigured):
        return read_stack(home)
    return None


def _is_whole(home: Path) -> bool:
    file = _before(home)
    return file is not None and {*file.databases, *file.stores} == EMBEDDABLE


def _record(home: Path, cluster: Cluster | None, before: StackFile | None) -> StackFile:
    there = databases.existing(cluster.place) if cluster else {}
    file = StackFile(
        home=home,
        server=cluster.place.root if cluster else None,
        databases={name: cluster.url(name) for name in DATABASES if cluster and name in there},
        tenants={
            name.removeprefix(_TENANT).upper(): cluster.url(name)
            for name in sorted(there)
            if cluster and name.startswith(_TENANT)
        },
        stores=_folders(home, STORES),
        services=_folders(home, SERVICES),
    )
    if file != before:
        write_atomically(home / STACK_FILE, file.model_dump(mode="json"))
    return file


def _folders(home: Path, names: Iterable[str]) -> dict[Any, str]:
    return {name: (home / "stores" / name).as_uri() for name in names if (home / "stores" / name).is_dir()}


def _remove(folder: Path) -> None:
    """Remove a folder of ours, also what a folder store has locked and where a link stands for it."""
    real = folder.resolve()
    if real.exists():
        for at, names, _ in os.walk(real):
            for inner in (Path(at, name) for name in names):
                if not inner.is_symlink():
                    inner.chmod(inner.stat().st_mode | stat.S_IRWXU)
        # the mark last, so that an interrupted removal is still known as ours
        for inner in real.iterdir():
            if inner.name != MARK:
                shutil.rmtree(inner) if inner.is_dir() and not inner.is_symlink() else inner.unlink()
        shutil.rmtree(real)
    if folder.is_symlink():
        folder.unlink()
