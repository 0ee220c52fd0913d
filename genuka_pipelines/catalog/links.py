"""Finds every name in the facts that points nowhere: a clause, system, purpose, table or column.

A broken link is a promise that looks kept; so the location does not load until it is mended.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.keepers import keepers
from genuka_pipelines.catalog.table import Table, own_column
from genuka_pipelines.catalog.vocabulary import fideslang_uses, is_direct_identifier

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.catalog.rule import Rule

Broken = tuple[str, tuple[int | str, ...], str]
"""(key of the file, location in it, what is wrong and what would be right)."""


def broken_links(catalog: Catalog) -> Iterator[Broken]:
    """Every broken link, in the order of the files."""
    yield from _vocabulary(catalog)
    for key, category in catalog.categories.items():
        yield from _category(catalog, key, category)
    yield from _tables_once(catalog)
    for key, file in catalog.files.items():
        yield from _clauses_in(catalog, key, file.content.get("attributes"))
    yield from _processors(catalog)
    yield from _questions(catalog)
    yield from _ledgers(catalog)
    yield from _kept(catalog)


def _unknown(word: str, what: str, valid: Collection[str], shown: int = 40) -> str | None:
    if word in valid:
        return None
    near = difflib.get_close_matches(word, valid, 1)
    if near:
        return f"{what} '{word}' is unknown; did you mean '{near[0]}'?"
    listed = ", ".join(sorted(valid)[:shown]) or "none is declared"
    return f"{what} '{word}' is unknown; declared: {listed}"


def _vocabulary(catalog: Catalog) -> Iterator[Broken]:
    key = _key_of(catalog, "Vocabulary")
    for name, purpose in catalog.vocabulary.purposes.items():
        if problem := _unknown(purpose.data_use, "data use", fideslang_uses()):
            yield key, ("attributes", "purposes", name, "data_use"), problem


def _key_of(catalog: Catalog, kind: str) -> str:
    return next(
        (key for key, file in catalog.files.items() if str(file.content.get("type")).endswith("." + kind)), ""
    )


def _category(catalog: Catalog, key: str, category: Category) -> Iterator[Broken]:
    systems = catalog.systems
    words: list[tuple[str, str, Collection[str], tuple[int | str, ...]]] = [
        (category.system, "system", systems, ("system",)),
        *(
            (p, "purpose", catalog.vocabulary.purposes, ("purposes", i))
            for i, p in enumerate(category.purposes)
        ),
        *(
            (s, "data subject", catalog.vocabulary.subjects, ("subjects", i))
            for i, s in enumerate(category.subjects)
        ),
        *((o.system, "system", systems, ("objects", i, "system")) for i, o in enumerate(category.objects)),
    ]
    for word, what, valid, at in words:
        if problem := _unknown(word, what, valid):
            yield key, ("attributes", *at), problem
    if (
        category.role == "processor"
        and category.opt_in is None
        and any(t.staging for t in category.tables.values())
    ):
        yield (
            key,
            ("attributes",),
            "processor-role data are staged only for tenants that opted in; name the consent in opt_in",
        )
    for name, table in category.tables.items():
        for at, problem in _table(catalog, category, name, table):
            yield key, ("attributes", "tables", name, *at), problem
    for index, rule in enumerate(category.retention):
        for at, problem in _rule(catalog, category, None, rule):
            yield key, ("attributes", "retention", index, *at), problem


Found = tuple[tuple[int | str, ...], str]


def _table(catalog: Catalog, category: Category, name: str, table: Table) -> Iterator[Found]:
    siblings = {found for _, found, _ in catalog.tables(category.system)}
    for column, declared in table.columns.items():
        if problem := _unknown(declared.holds, "classification", catalog.classifications):
            yield ("columns", column), problem
    if category.role == "processor" and table.tenant is None:
        yield (), f"'{name}' is held for tenants, but no tenant path says whose each row is; give it tenant:"
    if table.tenant:
        for parent in [table.tenant.parent, *table.tenant.owners.values()]:
            if parent and (problem := _unknown(parent, "parent table", siblings)):
                yield ("tenant",), problem
        if _circular(catalog, category.system, name):
            yield (
                ("tenant",),
                f"the tenant path of '{name}' leads back to itself; end it at a table with a tenant column",
            )
    if table.kept_with and (problem := _unknown(table.kept_with, "table", siblings - {name})):
        yield ("kept_with",), problem
    if table.content and (problem := _unknown(table.content.system, "system", catalog.systems)):
        yield ("content", "system"), problem
    for subject in table.subject:
        if problem := _unknown(subject, "data subject", catalog.vocabulary.subjects):
            yield ("subject", subject), problem
    for index, rule in enumerate(table.retention):
        for at, problem in _rule(catalog, category, name, rule):
            yield ("retention", index, *at), problem
    yield from _staging(catalog, category, table)


def _circular(catalog: Catalog, system: str, start: str) -> bool:
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        table = catalog.table(system, name)
        if table is None or table.tenant is None:
            continue
        for parent in [table.tenant.parent, *table.tenant.owners.values()]:
            if parent == start:
                return True
            if parent and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False


def _rule(catalog: Catalog, category: Category, table: str | None, rule: Rule) -> Iterator[Found]:
    for reference in rule.references:
        name, dot, column = own_column(reference).rpartition(".")
        if not dot:
            if table is None:
                yield (
                    (),
                    f"a category's own rule reads table.column; '{reference}' names no table",
                )
            continue
        target = catalog.table(category.system, name)
        if target is None:
            known = [found for _, found, _ in catalog.tables(category.system)]
            yield (), _unknown(name, "table", known) or ""
        elif column not in target.columns:
            yield (), _unknown(column, f"column of '{name}'", target.columns) or ""


def _staging(catalog: Catalog, category: Category, table: Table) -> Iterator[Found]:
    if table.staging is None:
        return
    if consent := table.staging.consent:
        choices = catalog.table(category.system, consent.table)
        known = [found for _, found, _ in catalog.tables(category.system)]
        if problem := _unknown(consent.table, "table", known):
            yield ("staging", "consent", "table"), problem
        for named in [*consent.by.values(), *consent.when] if choices else []:
            if problem := _unknown(named, f"column of '{consent.table}'", choices.columns if choices else ()):
                yield ("staging", "consent"), problem
    if problem := _unknown(table.staging.purpose, "purpose of this category", category.purposes):
        yield ("staging", "purpose"), problem
    for name, column in table.staging.columns.items():
        for source in column.of:
            holds = table.columns[source].holds
            if column.way in ("copy",) and is_direct_identifier(holds):
                yield (
                    ("staging", "columns", name),
                    f"'{source}' is {holds}, a direct identifier, and never leaves the database in clear; "
                    "stage it as pseudonym, device_day, host or present",
                )


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


def _clauses_in(
    catalog: Catalog, key: str, raw: object, at: tuple[int | str, ...] = ("attributes",)
) -> Iterator[Broken]:
    """Every `clause:` and `clauses:` of a file, wherever it stands."""
    if isinstance(raw, dict):
        for name, inner in raw.items():
            if name == "clause" and isinstance(inner, str):
                yield from _clause(catalog, key, inner, (*at, name))
            elif (
                name == "clauses" and isinstance(inner, list) and all(isinstance(item, str) for item in inner)
            ):
                for index, item in enumerate(inner):
                    yield from _clause(catalog, key, item, (*at, name, index))
            else:
                yield from _clauses_in(catalog, key, inner, (*at, name))
    elif isinstance(raw, list):
        for index, item in enumerate(raw):
            yield from _clauses_in(catalog, key, item, (*at, index))


def _clause(catalog: Catalog, key: str, clause: str, at: tuple[int | str, ...]) -> Iterator[Broken]:
    if problem := _unknown(clause, "clause", catalog.clauses):
        yield key, at, problem


def _processors(catalog: Catalog) -> Iterator[Broken]:
    names: dict[str, str] = {}
    for key, provider in catalog.processors.items():
        file = next((found for found in catalog.files if found.rsplit("/", 1)[-1] == key), "")
        for index, purpose in enumerate(provider.purposes):
            if problem := _unknown(purpose, "purpose", catalog.vocabulary.purposes):
                yield file, ("attributes", "purposes", index), problem
        for index, word in enumerate(provider.receives):
            if problem := _unknown(word, "classification", catalog.classifications):
                yield file, ("attributes", "receives", index), problem
        for name, system in provider.systems.items():
            if name in names:
                yield (
                    file,
                    ("attributes", "systems", name),
                    f"system '{name}' is already declared by {names[name]}",
                )
            names[name] = key
            for other in system.apart_from:
                if problem := _unknown(other, "system", catalog.systems):
                    yield file, ("attributes", "systems", name, "apart_from"), problem


def _questions(catalog: Catalog) -> Iterator[Broken]:
    for name, question in catalog.questions.items():
        file = next((found for found in catalog.files if found.rsplit("/", 1)[-1] == name), "")
        products = {key.split("/")[0] for key in catalog.categories}
        scoped: Iterable[tuple[str, str, Collection[str]]] = [
            *((word, "product", products) for word in question.of.products),
            *((word, "category", catalog.categories) for word in question.of.categories),
        ]
        for word, what, valid in scoped:
            if problem := _unknown(word, what, valid):
                yield file, ("attributes", "of"), problem


def _ledgers(catalog: Catalog) -> Iterator[Broken]:
    for key, ledger in catalog.ledgers.items():
        for index, system in enumerate(ledger.anchored_in):
            if problem := _unknown(system, "system", catalog.systems):
                yield key, ("attributes", "anchored_in", index), problem


def _kept(catalog: Catalog) -> Iterator[Broken]:
    kept = keepers(catalog)
    for clause in catalog.clauses:
        if not kept[clause]:
            key = next(key for key, file in catalog.files.items() if _declares(file.content, clause))
            yield (
                key,
                ("attributes", "clauses"),
                f"nothing keeps {clause}: name it where it is kept, or plan it",
            )


def _declares(content: dict[str, object], clause: str) -> bool:
    attributes = content.get("attributes")
    clauses = attributes.get("clauses") if isinstance(attributes, dict) else None
    return isinstance(clauses, list) and any(isinstance(c, dict) and c.get("id") == clause for c in clauses)
