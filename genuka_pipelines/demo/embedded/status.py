"""What `genuka doctor` says about the embedded stack.

Unknown is not down: a server that is there and does not answer needs another remedy than one that
was stopped, so each part says which it is and what to do.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.demo.embedded import databases, postmaster
from genuka_pipelines.demo.embedded.cluster import Cluster
from genuka_pipelines.demo.embedded.errors import StackUnavailable, told_in_a_sentence
from genuka_pipelines.demo.embedded.mark import read_mark
from genuka_pipelines.demo.embedded.server import find_server
from genuka_pipelines.settings import StackFile, read_stack

_LITTLE_ROOM = 500_000_000


@dataclass(frozen=True)
class PartStatus:
    """One part of the stack, and a sentence about it."""

    name: str
    state: Literal["up", "down", "unknown"]
    detail: str


def stack_status(home: Path) -> tuple[PartStatus, ...]:
    """The stack's file, its server, its databases and its stores; empty where `genuka up` never ran.

    Reads and asks, changes nothing, and never raises for a part that is broken.
    """
    try:
        with told_in_a_sentence(home):
            home = home.expanduser().resolve()
            mark = read_mark(home)
            if mark is None:
                return ()
        file = read_stack(home)
        cluster = find_server(home, mark)
    except GenukaError as error:
        return (PartStatus("stack", "unknown", str(error)),)
    if file is None:
        return (PartStatus("stack", "down", f"{home} has no stack.json: run `genuka up`"),)
    return (
        PartStatus("stack", "up", f"{home / 'stack.json'}"),
        *(_server(cluster, file) if file.databases else ()),
        *(_store(name, url) for name, url in file.stores.items()),
    )


def _server(cluster: Cluster | None, file: StackFile) -> tuple[PartStatus, ...]:
    names = [*file.databases, *(f"tenant {ref}" for ref in file.tenants)]
    if cluster is None:
        server = PartStatus("server", "down", f"{file.server} is gone: run `genuka up` to begin anew, empty")
        return server, *(PartStatus(f"database {name}", "down", "its server is gone") for name in names)
    root = cluster.place.root
    process = postmaster.running(cluster.place.data)
    if process is None:
        server = PartStatus("server", "down", f"no PostgreSQL runs in {root}: run `genuka up`")
        return server, *(PartStatus(f"database {name}", "down", "its server is not running") for name in names)
    try:
        there = databases.existing(cluster.place)
    except StackUnavailable as error:
        return (
            PartStatus("server", "unknown", f"process {process.pid} runs, but {error}"),
            *(PartStatus(f"database {name}", "unknown", "its server does not answer") for name in names),
        )
    free = shutil.disk_usage(root).free
    room = f"{free / 1e9:.1f} GB free" + (", which is little: free some space" if free < _LITTLE_ROOM else "")
    server = PartStatus("server", "up", f"PostgreSQL, process {process.pid}, data in {root}, {room}")
    urls = dict(zip(names, (*file.databases.values(), *file.tenants.values()), strict=True))
    return server, *(_database(name, urlsplit(url).path.strip("/") in there) for name, url in urls.items())


def _database(name: str, there: bool) -> PartStatus:
    if there:
        return PartStatus(f"database {name}", "up", "exists and its server answers")
    return PartStatus(f"database {name}", "down", "its server has no such database: run `genuka up`")


def _store(name: str, url: str) -> PartStatus:
    folder = Path(unquote(urlsplit(url).path))
    if folder.is_dir():
        return PartStatus(f"store {name}", "up", str(folder))
    return PartStatus(f"store {name}", "down", f"{folder} is gone: run `genuka up`")
