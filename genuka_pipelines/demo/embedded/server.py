"""Which server belongs to which home, also after the home was moved, copied or half made.

A copied home must not share its original's databases, a moved one must find its own again, and a
server folder that lost its mark must never be taken for an empty one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from genuka_pipelines.demo.embedded.account import server_account
from genuka_pipelines.demo.embedded.cluster import Cluster
from genuka_pipelines.demo.embedded.errors import UnusableHome
from genuka_pipelines.demo.embedded.mark import MARK, Mark, new_id, read_mark, write_mark
from genuka_pipelines.demo.embedded.place import Place, make_place


def identify(home: Path) -> Mark:
    """The mark of this home; a new one when there is none, or when the home is the copy of another."""
    mark = read_mark(home)
    if mark is None or _is_a_copy(home, mark):
        mark = Mark(new_id())
        write_mark(home, mark)
    return mark


def find_server(home: Path, mark: Mark) -> Cluster | None:
    """The server this home already has, running or not; raises UnusableHome when its folder lost its mark."""
    if mark.server is None or _is_a_copy(home, mark):
        return None
    root = home / mark.server
    data = root / "data"
    theirs = read_mark(root)
    if theirs is None or theirs.id != mark.id:
        if data.exists():
            raise UnusableHome(f"{root} holds databases without the mark of {home}: restore its {MARK} or move it away")
        return None
    return Cluster(Place(root, server_account(data if data.exists() else None)))


def provide_server(home: Path, mark: Mark, base: Path | None = None) -> Cluster:
    """The server of this home; where there is none, its folder is made and marked."""
    cluster = find_server(home, mark)
    if cluster is None:
        cluster = Cluster(make_place(home, mark.id, server_account(), base))
    root = cluster.place.root
    inside = root.relative_to(home) if root.is_relative_to(home) else root
    # the home first: after a crash between the two, the unmarked folder is found and used
    if mark.server != str(inside):
        write_mark(home, replace(mark, server=str(inside)))
    if read_mark(root) != (ours := Mark(mark.id, home=str(home))):
        write_mark(root, ours)
    return cluster


def _is_a_copy(home: Path, mark: Mark) -> bool:
    if mark.server is None or not Path(mark.server).is_absolute():
        return False
    theirs = read_mark(Path(mark.server))
    if theirs is None or theirs.home in (None, str(home)):
        return False
    original = read_mark(Path(str(theirs.home)))
    return original is not None and original.id == mark.id
