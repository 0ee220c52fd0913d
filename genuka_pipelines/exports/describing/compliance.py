"""What an archive says of the promises about its rows: what is left out, how long each is kept, who receives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genuka_pipelines.exports.describing.texts import REASONS
from genuka_pipelines.words.rules import say_rule

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.catalog.processor import Processor
    from genuka_pipelines.exports.choosing import Choice
    from genuka_pipelines.exports.closure import Reference


def exclusions(choice: Choice, outside: Sequence[str]) -> dict[str, Any]:
    """What is left out of every form, with the reason; and the foreign keys that lead to what is not here."""
    left_out = [{"table": one.table, "column": one.column or None, "reason": one.reason} for one in choice.exclusions]
    used = sorted({one.reason for one in choice.exclusions})
    return {"left_out": left_out, "reasons": {name: REASONS[name] for name in used}, "foreign_keys": list(outside)}


def retention(catalog: Catalog, choice: Choice) -> list[dict[str, Any]]:
    """The rules of every category in the archive, in words."""
    found = []
    for key in _categories(choice):
        category = catalog.categories[key]
        for table, rule in category.rules:
            if table is None or table in choice.tables:
                said = {lang: say_rule(rule, category.title, catalog.vocabulary, lang) for lang in ("fr", "en")}
                found.append({"category": key, "table": table, "clause": rule.clause, **said})
    return found


def recipients(catalog: Catalog, choice: Choice) -> list[dict[str, Any]]:
    """Who holds or receives something of each category: whose systems, and whose declared classes of data."""
    found = []
    for key, provider in catalog.processors.items():
        theirs = [one for one in _categories(choice) if _receives(provider, catalog.categories[one], choice)]
        if theirs:
            places = sorted({one.place.country for one in provider.systems.values()})
            title = {"fr": provider.title("fr"), "en": provider.title("en")}
            said = {"provider": key, "name": provider.legal_name, "role": provider.role, "countries": places}
            found.append({**said, "title": title, "categories": theirs})
    return found


def _categories(choice: Choice) -> list[str]:
    return sorted({table.category for table in choice.tables.values()})


def _receives(provider: Processor, category: Category, choice: Choice) -> bool:
    if category.system in provider.systems:
        return True
    tables = [table for name, table in category.tables.items() if name in choice.tables]
    if any(table.content and table.content.system in provider.systems for table in tables):
        return True
    held = {column.holds for table in tables for column in table.columns.values()}
    return any(one == word or one.startswith(word + ".") for word in provider.receives for one in held)


def references(found: Sequence[Reference]) -> list[dict[str, Any]]:
    """References of rows to rows that are nowhere, counted: they were so in the source."""
    return [
        {"table": one.table, "column": one.column, "names": one.parent, "rows": one.loose} for one in found if one.loose
    ]
