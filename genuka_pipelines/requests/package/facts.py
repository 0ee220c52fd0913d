"""What article 15(1) has told beside the data: why, by what right, from where, to whom, where, and how long.

All of it is computed from the facts that the policy is kept by, so that no answer to a person says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from genuka_pipelines.requests.package import texts
from genuka_pipelines.requests.recipients import recipients_of
from genuka_pipelines.words.periods import say_period
from genuka_pipelines.words.rules import say_rule

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.catalog.processor import System
    from genuka_pipelines.catalog.rule import Rule
    from genuka_pipelines.catalog.value import Words
    from genuka_pipelines.requests.package.choosing import Chosen


_REQUESTER = "requester"


@dataclass(frozen=True)
class Place:
    """Where data are: a system, its country, and whether its provider proves that or we say it."""

    title: Words
    country: str
    proof: str


@dataclass(frozen=True)
class Recipient:
    """Who holds or receives data, and what for."""

    title: Words
    name: str
    role: str
    purposes: tuple[Words, ...]
    countries: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What is said of one category; `copies` are the places of its backups."""

    key: str
    title: Words
    description: Words | None
    purposes: tuple[Words, ...]
    legal_basis: tuple[str, ...]
    law: tuple[str, ...]
    source: str
    places: tuple[Place, ...]
    copies: tuple[Place, ...]
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True)
class Besides:
    """What a request itself adds to what is held, and until when."""

    key: str
    title: Words
    description: Words | None
    how_long: tuple[Words, ...]


def told(catalog: Catalog, key: str, chosen: Sequence[Chosen]) -> Told:
    """What is said of a category some of whose rows are given."""
    category = catalog.categories[key]
    contents = {one.table.table.content.system for one in chosen if one.table.table.content}
    held, copies = {category.system, *contents}, _copies(catalog, {category.system, *contents})
    return Told(
        key,
        category.title,
        category.description,
        _purposes(catalog, category.purposes),
        category.legal_basis,
        category.law,
        category.source,
        tuple(_place(catalog.systems[name]) for name in sorted(held)),
        tuple(_place(catalog.systems[name]) for name in sorted(copies)),
        tuple(_recipients(catalog, key, chosen, held | copies)),
    )


def how_long(catalog: Catalog, one: Chosen) -> tuple[Words, ...]:
    """The end of a table's rows in sentences: its rules, and the rows that it goes with."""
    category, table = one.table.category, one.table.table
    said = [_rule(catalog, category, rule) for rule in category.rules_of(one.spot.table)]
    if table.kept_with:
        said.append(texts.words("kept_with", table=table.kept_with))
    said += [texts.words(f"ends_{becomes}", column=column) for column, becomes in table.ends_with.items()]
    return tuple(said)


def besides(catalog: Catalog) -> tuple[Besides, ...]:
    """The categories of whoever makes a request: the register of requests, and what is handed over."""
    return tuple(
        Besides(key, category.title, category.description, tuple(_ends(catalog, category)))
        for key, category in catalog.categories.items()
        if _REQUESTER in category.subjects
    )


def _ends(catalog: Catalog, category: Category) -> Iterator[Words]:
    for _, rule in category.rules:
        yield _rule(catalog, category, rule)
    for objects in category.objects:
        if objects.keep:
            yield texts.words("kept_for", period=texts.both(partial(say_period, objects.keep)))


def _rule(catalog: Catalog, category: Category, rule: Rule) -> Words:
    return texts.both(lambda lang: say_rule(rule, category.title, catalog.vocabulary, lang))


def _recipients(catalog: Catalog, key: str, chosen: Sequence[Chosen], systems: set[str]) -> Iterator[Recipient]:
    held = {one.table.table.columns[name].holds for one in chosen for name in one.given}
    for _, provider in recipients_of(catalog, key, held, systems):
        at = {one.place.country for name, one in provider.systems.items() if name in systems}
        countries = tuple(sorted(at or {one.place.country for one in provider.systems.values()}))
        purposes = _purposes(catalog, provider.purposes)
        yield Recipient(provider.title, provider.legal_name, provider.role, purposes, countries)


def _copies(catalog: Catalog, systems: set[str]) -> set[str]:
    plans = [plan for plan in catalog.backups.values() if systems & {*plan.databases, *plan.media}]
    return {region for plan in plans for region in plan.regions.values()}


def _place(system: System) -> Place:
    return Place(system.title, system.place.country, system.place.proof)


def _purposes(catalog: Catalog, names: Sequence[str]) -> tuple[Words, ...]:
    return tuple(catalog.vocabulary.purposes[name].title for name in names)
