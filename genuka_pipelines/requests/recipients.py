"""Who else is given data of a category: computed from the facts, once, for whoever asks and whoever must be told.

Told of a recipient in an answer and forgotten at its erasure, a person would rightly call one of the two a lie.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.processor import Processor


def recipients_of(
    catalog: Catalog, category: str, held: Collection[str], systems: Collection[str]
) -> Iterator[tuple[str, Processor]]:
    """Whoever holds one of the `systems`, or is sent some of what is `held` (classifications) of a category."""
    for name, provider in catalog.processors.items():
        holds = bool(set(systems) & set(provider.systems))
        if provider.role != "own" and (holds or _sent(catalog, provider, category, held)):
            yield name, provider


def covers(provider: Processor, classification: str) -> bool:
    """Whether a provider is sent values of a classification, or of one above it."""
    return any(classification == word or classification.startswith(word + ".") for word in provider.receives)


def _sent(catalog: Catalog, provider: Processor, category: str, held: Collection[str]) -> bool:
    """Sent some of it, by a product that it serves and for a purpose that both have.

    By the class of data alone, applicants would read that a payment provider has their names.
    """
    served = {product for product, policy in catalog.policies.items()
              if {clause.id for clause in policy.clauses} & set(provider.clauses)}  # fmt: skip
    shared = set(provider.purposes) & set(catalog.categories[category].purposes)
    covered = any(covers(provider, one) for one in held)
    return covered and bool(shared) and (not served or category.partition("/")[0] in served)
