"""Finds every name in the facts that points nowhere: a clause, system, purpose, table or column.

A broken link is a promise that looks kept; so the location does not load until it is mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.links.anonymised import broken_anonymity
from genuka_pipelines.catalog.links.categories import broken_categories
from genuka_pipelines.catalog.links.clauses import broken_clauses
from genuka_pipelines.catalog.links.endings import broken_endings
from genuka_pipelines.catalog.links.naming import Broken
from genuka_pipelines.catalog.links.others import broken_others
from genuka_pipelines.catalog.links.published import broken_published
from genuka_pipelines.catalog.links.rules import broken_rules

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog


def broken_links(catalog: Catalog) -> Iterator[Broken]:
    """Every broken link: (key of the file, location in it, what is wrong and what would be right)."""
    yield from broken_categories(catalog)
    yield from broken_rules(catalog)
    yield from broken_endings(catalog)
    yield from broken_anonymity(catalog)
    yield from broken_others(catalog)
    yield from broken_published(catalog)
    yield from broken_clauses(catalog)
