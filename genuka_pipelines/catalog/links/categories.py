"""Links from a category: to its system, purposes, subjects, and what its tables name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.links.naming import At, Broken, unknown
from genuka_pipelines.catalog.links.tables import broken_rule, broken_table

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category


def broken_categories(catalog: Catalog) -> Iterator[Broken]:
    """Every broken link of every category."""
    for key, category in catalog.categories.items():
        yield from _category(catalog, key, category)
    yield from _tables_once(catalog)


def _category(catalog: Catalog, key: str, category: Category) -> Iterator[Broken]:
    systems = catalog.systems
    words: list[tuple[str, str, Collection[str], At]] = [
        (category.system, "system", systems, ("system",)),
        *((p, "purpose", catalog.vocabulary.purposes, ("purposes", i)) for i, p in enumerate(category.purposes)),
        *((s, "data subject", catalog.vocabulary.subjects, ("subjects", i)) for i, s in enumerate(category.subjects)),
        *((o.system, "system", systems, ("objects", i, "system")) for i, o in enumerate(category.objects)),
    ]
    for word, what, valid, at in words:
        if problem := unknown(word, what, valid):
            yield key, ("attributes", *at), problem
    if category.role == "processor" and category.opt_in is None and any(t.staging for t in category.tables.values()):
        yield (
            key,
            ("attributes",),
            "processor-role data are staged only for tenants that opted in; name the consent in opt_in",
        )
    for name, table in category.tables.items():
        for at, problem in broken_table(catalog, category, name, table):
            yield key, ("attributes", "tables", name, *at), problem
    for index, rule in enumerate(category.retention):
        for at, problem in broken_rule(catalog, category, None, rule):
            yield key, ("attributes", "retention", index, *at), problem


def _tables_once(catalog: Catalog) -> Iterator[Broken]:
    seen: dict[tuple[str, str], str] = {}
    for key, name, _ in catalog.tables():
        place = (catalog.categories[key].system, name)
        if place in seen:
            yield (
                key,
                ("attributes", "tables", name),
                f"table '{name}' is already declared by {seen[place]}; keep one",
            )
        seen[place] = key
