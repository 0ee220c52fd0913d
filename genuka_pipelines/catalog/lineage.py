"""Where published tables descend from, asset by asset and column by column: browsers and people must never meet.

Each table is declared on its own, and a column more in one file can link two worlds in another; so what
descends from what is computed from all facts, and whoever loads them is refused a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genuka_pipelines.catalog.published import ANALYTICS
from genuka_pipelines.catalog.vocabulary import is_direct_identifier

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.catalog.staging import Staging

SourceClass = Literal["browser", "identity", "excluded", "cookies"]
"""Whose data: of a browser, of somebody who can be named, never to be analysed, of a cookie without consent."""
STAGING = "staging/"
_DEVICE = ("user.device", "user.behavior.browsing_history")
_COOKIE = "user.device.cookie_id"
_NEVER = "user.behavior.session_replay"


@dataclass(frozen=True)
class Linked:
    """A published table that must not be, and by which of two proofs: of assets, or of columns."""

    table: str
    proof: Literal["graph", "columns"]
    why: str


@dataclass(frozen=True)
class Source:
    """A column of a source table that a staged column is made of: of which category, and what it holds."""

    category: str
    table: str
    column: str
    holds: str

    @property
    def classes(self) -> frozenset[SourceClass]:
        """The classes that this column alone belongs to; most belong to none."""
        found: set[SourceClass] = set()
        if _below(self.holds, _DEVICE):
            found.add("browser")
        elif self.holds == "tenant" or is_direct_identifier(self.holds) or _below(self.holds, ("user.unique_id",)):
            found.add("identity")
        if _below(self.holds, (_NEVER,)):
            found.add("excluded")
        return frozenset(found)

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


def unlinked(catalog: Catalog) -> tuple[Linked, ...]:
    """Every link between browsers and people, every use of what is excluded: empty where all tables may be."""
    return tuple(found for name in catalog.published for found in _links(catalog, name))


def parents_of(catalog: Catalog, asset: str) -> tuple[str, ...]:
    """The assets that one is directly made of: `analytics/<table>`, `staging/<product>/<table>`, then categories."""
    if asset.startswith(ANALYTICS) and asset.removeprefix(ANALYTICS) in catalog.published:
        table = catalog.published[asset.removeprefix(ANALYTICS)]
        return (f"{STAGING}{table.category.split('/')[0]}/{table.table}",)
    for category, name, staging in _staged(catalog):
        if asset == f"{STAGING}{category.split('/')[0]}/{name}":
            read = [source.category for source in all_sources(catalog, category, name, staging, staging.columns)]
            return tuple(dict.fromkeys([category, *read]))
    return ()


def ancestors(catalog: Catalog, asset: str) -> tuple[str, ...]:
    """Every asset that one descends from, the nearest first."""
    found: list[str] = []
    waiting = [*parents_of(catalog, asset)]
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found.append(one)
            waiting += parents_of(catalog, one)
    return tuple(found)


def class_of(catalog: Catalog, asset: str) -> frozenset[SourceClass]:
    """The source classes of an asset: of what it is made of, for staged tables; of what it holds, for categories."""
    for category, name, staging in _staged(catalog):
        if asset == f"{STAGING}{category.split('/')[0]}/{name}":
            read = all_sources(catalog, category, name, staging, staging.columns)
            return frozenset({staging.family}).union(*(source.classes for source in read))
    if asset in catalog.categories:
        return _of_category(catalog.categories[asset])
    return frozenset().union(*(class_of(catalog, parent) for parent in parents_of(catalog, asset)))


def sources(catalog: Catalog, category: str, table: str, named: Iterable[str]) -> tuple[Source, ...]:
    """The source columns that a staged column names: of its own table, or `parent.column` of another."""
    system = catalog.categories[category].system
    found = []
    for name in named:
        owner, _, column = name.rpartition(".")
        held = next((one for one in catalog.tables(system) if one[1] == (owner or table)), None)
        if held and column in held[2].columns:
            found.append(Source(held[0], held[1], column, held[2].columns[column].holds))
    return tuple(dict.fromkeys(found))


def all_sources(
    catalog: Catalog, category: str, table: str, staging: Staging, columns: Iterable[str]
) -> tuple[Source, ...]:
    """The source columns of some staged columns, and those that decide which rows are staged at all."""
    found = [one for column in columns for one in sources(catalog, category, table, staging.columns[column].of)]
    found += sources(catalog, category, table, staging.when)
    if staging.consent:
        found += sources(catalog, category, table, staging.consent.by)
        chosen = (*staging.consent.by.values(), *staging.consent.when)
        found += sources(catalog, category, staging.consent.table, chosen)
    return tuple(dict.fromkeys(found))


def _links(catalog: Catalog, name: str) -> Iterator[Linked]:
    published = catalog.published[name]
    reached = {asset: class_of(catalog, asset) for asset in ancestors(catalog, ANALYTICS + name)}
    for why in _judged({asset: classes for asset, classes in reached.items() if classes}):
        yield Linked(name, "graph", why)
    category = catalog.categories.get(published.category)
    table = category.tables.get(published.table) if category else None
    if table is None or table.staging is None:
        return
    read = tuple(column for column in published.reads if column in table.staging.columns)
    columns = all_sources(catalog, published.category, published.table, table.staging, read)
    by_column = {str(source): source.classes for source in columns}
    if table.staging.consent is None:
        for source in columns:
            if _below(source.holds, (_COOKIE,)):
                by_column[str(source)] |= {"cookies"}
    for why in _judged(by_column):
        yield Linked(name, "columns", why)


def _judged(classes: dict[str, frozenset[SourceClass]]) -> Iterator[str]:
    def of(wanted: SourceClass) -> list[str]:
        return [one for one, found in classes.items() if wanted in found]

    browsers, people = of("browser"), of("identity")
    if browsers and people:
        yield f"it descends from a browser ({', '.join(browsers)}) and from an identity ({', '.join(people)})"
    if of("excluded"):
        yield f"it descends from what is never analysed ({', '.join(of('excluded'))})"
    if of("cookies"):
        yield f"it descends from a cookie ({', '.join(of('cookies'))}), and no recorded consent is asked for"


def _of_category(category: Category) -> frozenset[SourceClass]:
    """What is staged of it says what it is; a category of which nothing is staged is taken for people's."""
    held = [column.holds for table in category.tables.values() for column in table.columns.values()]
    if (category.role == "processor" and category.opt_in is None) or any(_below(one, (_NEVER,)) for one in held):
        return frozenset({"excluded"})
    families = {table.staging.family for table in category.tables.values() if table.staging}
    return frozenset(families or {"identity"})


def _staged(catalog: Catalog) -> Iterator[tuple[str, str, Staging]]:
    for category, name, table in catalog.tables():
        if table.staging:
            yield category, name, table.staging


def _below(holds: str, roots: tuple[str, ...]) -> bool:
    return any(holds == root or holds.startswith(root + ".") for root in roots)
