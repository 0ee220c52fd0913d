"""Computes what keeps each clause from the facts that name it: each link is written once.

A hand-kept list of keepers would drift from the code; a computed one cannot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genuka_pipelines.catalog.published import ANALYTICS, CATALOGUE, OF_TABLES, AnalyticsCheck
from genuka_pipelines.catalog.question import Question

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category

Keepers = dict[str, tuple[str, ...]]
RETENTION = "retention/"
"""Before the key of a category: the asset that sweeps it."""


def keepers(catalog: Catalog) -> Keepers:
    """Clause id to `asset:KEY`, `check:KEY#NAME`, `job:NAME`, `procedure:ID` or `planned:CAPABILITY`."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, category in catalog.categories.items():
        for clause in category.clauses:
            found[clause].append(f"asset:{key}")
        for table in category.tables.values():
            for expectation in table.expectations:
                if expectation.clause:
                    found[expectation.clause].extend(
                        f"check:{key}#{name}" for name, q in catalog.questions.items() if q.asks == "well_formed"
                    )
    overdue = [(name, question) for name, question in catalog.questions.items() if question.asks == "nothing_overdue"]
    for name, question in overdue:
        for key in asked(catalog, question):
            for clause in _ending(catalog.categories[key.removeprefix(RETENTION)]):
                found[clause].append(f"check:{key}#{name}")
    for name, provider in catalog.processors.items():
        for system, declared in provider.systems.items():
            for clause in (*provider.clauses, *declared.clauses):
                found[clause].append(f"asset:systems/{system}")
        if not provider.systems:
            for clause in provider.clauses:
                found[clause].append(f"asset:systems/{name}")
    for name, question in catalog.questions.items():
        for clause in question.clauses:
            product = _product_of(catalog, clause)
            found[clause].extend(
                f"check:{key}#{name}" for key in asked(catalog, question) if _under(catalog, key, product)
            )
    for plan in catalog.backups.values():
        for check, clauses in plan.clauses.items():
            for clause in clauses:
                found[clause].extend(f"check:{asset}#{check}" for asset in plan.assets_of(check))
    proofs: list[tuple[str, Mapping[Any, tuple[str, ...]]]] = [
        *((key, requests.clauses) for key, requests in catalog.requests.items()),
        *((key, archives.clauses) for key, archives in catalog.exports.items()),
    ]
    for key, proved in proofs:
        for check, clauses in proved.items():
            for clause in clauses:
                found[clause].append(f"check:{key}#{check}")
    for asset, about, clauses in asked_of_tables(catalog):
        for clause in clauses:
            found[clause].append(f"check:{asset}#{about}")
    for key, ledger in catalog.ledgers.items():
        for clause in ledger.clauses:
            found[clause].append(f"check:{key}#intact")
    for name, procedure in catalog.procedures.items():
        for clause in procedure.clauses:
            found[clause].append(f"procedure:{name}")
    for name, planned in catalog.planned.items():
        for clause in planned.clauses:
            found[clause].append(f"planned:{name}")
    return {clause: tuple(dict.fromkeys(found[clause])) for clause in catalog.clauses}


def asked(catalog: Catalog, question: Question) -> tuple[str, ...]:
    """The keys of the assets that a question is asked of, in order: categories, or systems for places."""
    if question.asks == "in_declared_places":
        return tuple(f"systems/{name}" for name in catalog.systems)
    scope = question.of
    before = RETENTION if question.asks == "nothing_overdue" else ""
    return tuple(
        before + key
        for key, category in catalog.categories.items()
        if (not scope.products or key.split("/")[0] in scope.products)
        and (not scope.roles or category.role in scope.roles)
        and (not scope.categories or key in scope.categories)
    )


def asked_of_tables(catalog: Catalog) -> tuple[tuple[str, AnalyticsCheck, tuple[str, ...]], ...]:
    """Every question put to what analysts read: the key of the asset, the question, the clauses it proves."""
    if catalog.privacy is None or not catalog.published:
        return ()
    privacy = catalog.privacy
    of_tables = [
        (ANALYTICS + name, check, privacy.clauses_of(check, table))
        for name, table in catalog.published.items()
        for check in OF_TABLES
    ]
    readable: AnalyticsCheck = "readable_by_analysts"
    return (*of_tables, (CATALOGUE, readable, privacy.clauses_of(readable, None)))


def _ending(category: Category) -> tuple[str, ...]:
    """The clauses by which a category's rows and objects end."""
    rules = [rule for _, rule in category.rules]
    objects = [one.clause for one in category.objects if one.clause and one.ended_by == "retention_sweep"]
    return tuple(dict.fromkeys([*(clause for rule in rules for clause in (rule.clause, *rule.also)), *objects]))


def _under(catalog: Catalog, key: str, product: str) -> bool:
    """Whether an asset answers for a product's policy: its own, or one that serves every product."""
    owner = key.removeprefix(RETENTION).split("/")[0]
    return owner == product or owner not in catalog.policies


def _product_of(catalog: Catalog, clause: str) -> str:
    return next(product for product, policy in catalog.policies.items() if any(c.id == clause for c in policy.clauses))
