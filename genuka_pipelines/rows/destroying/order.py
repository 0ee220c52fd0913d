"""The order in which tables lose rows: what ends with a row, or finds its tenant by it, before that row.

Parents first would leave children that nothing names, of no known tenant, for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.above import above, reading
from genuka_pipelines.rows.declared import Home
from genuka_pipelines.systems.writer import ForeignKey


class EndWithEachOther(GenukaError):
    """Tables are declared to end with each other, so that none of them can go first."""

    def __init__(self, tables: Collection[str]) -> None:
        super().__init__(
            f"the rows of {', '.join(sorted(set(tables)))} are declared to end with each other (kept_with, ends_with), "
            "so none can go first; take one of these links away"
        )


class TakesAlong(GenukaError):
    """A table that nobody declared would be changed by the server itself when rows go."""

    def __init__(self, link: ForeignKey) -> None:
        super().__init__(
            f"table '{link.child}' is not declared, and the server itself would change its rows with those of "
            f"'{link.parent}' (ON DELETE {link.on_delete.upper()}); declare it before rows of '{link.parent}' go"
        )


def circles(home: Home) -> dict[str, EndWithEachOther]:
    """By table, why it cannot be ordered."""
    edges = {name: _ends_with(home, name) for name in home.declared if home.has(name)}
    found: dict[str, EndWithEachOther] = {}
    while True:
        try:
            TopologicalSorter(edges).prepare()
        except CycleError as error:
            circle = [str(name) for name in error.args[1]]
            found |= {name: EndWithEachOther(circle) for name in circle}
            edges = {name: targets - set(circle) for name, targets in edges.items() if name not in circle}
        else:
            return found


def children_first(home: Home, links: Collection[ForeignKey]) -> Iterator[str]:
    """Every declared table that is there, each after all that must go before it."""
    before: dict[str, list[str]] = {name: [] for name in home.declared if home.has(name)}
    for name in before:
        path = home.declared[name].category.tables[name].tenant
        owners = [path.parent, *path.owners.values()] if path else []
        table = home.table(name)
        read = [other for other in before if other != name and reading(table, other)]
        for target in [*_ends_with(home, name), *owners, *read]:
            if target in before:
                before[target].append(name)
    for link in links:
        if link.child in before and link.parent in before:
            before[link.parent].append(link.child)
    done: dict[str, None] = {}
    under: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done or name in under:
            return
        under.add(name)
        for child in before[name]:
            yield from visit(child)
        under.discard(name)
        done[name] = None
        yield name

    for name in before:
        yield from visit(name)


def refuse_unseen(home: Home, table: str, links: Collection[ForeignKey]) -> None:
    """TakesAlong where a table that nobody declared would change with this one's rows."""
    for link in links:
        if link.parent == table and link.child not in home.declared and link.reaches_on:
            raise TakesAlong(link)


def _ends_with(home: Home, name: str) -> set[str]:
    return {way.target.name for way in above(home.table(name)) if not way.last}
