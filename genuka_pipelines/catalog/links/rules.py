"""Refuses rules that cannot be meant as they are written: two periods for one thing, a floor above the promise.

Each would still compute something, and nobody would know which of two promises it kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.links.naming import At, Broken
from genuka_pipelines.catalog.rule import Anchor, Rule
from genuka_pipelines.catalog.table import Table, own_column
from genuka_pipelines.catalog.vocabulary import Vocabulary, is_direct_identifier

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog

_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_DELETIONS = ("delet", "clos", "unsubscri", "remov", "eras", "cancel", "opt_out")
"""One of these is in the name, or in the English words, of an event by which somebody has something deleted."""


def broken_rules(catalog: Catalog) -> Iterator[Broken]:
    """Every rule that contradicts itself, its table or a rule beside it."""
    for key, category in catalog.categories.items():
        shared = list(enumerate(category.retention))
        for index, rule in shared:
            at: At = ("attributes", "retention", index)
            for problem in (*_beside(rule, [one for _, one in shared[:index]]), *_alone(rule)):
                yield key, at, problem
        for name, table in category.tables.items():
            for index, rule in enumerate(table.retention):
                at = ("attributes", "tables", name, "retention", index)
                beside = [*category.retention, *table.retention[:index]]
                for problem in (*_beside(rule, beside), *_alone(rule), *_on(rule, table, catalog.vocabulary)):
                    yield key, at, problem


def events_of(rule: Rule) -> Iterator[str]:
    """Every event whose moment a rule reads, as written."""
    for anchor in (rule.since, rule.otherwise, rule.floor and rule.floor.since, rule.law and rule.law.since):
        yield from anchor.of if anchor else ()
    yield from rule.sooner.values()


def _beside(rule: Rule, others: Sequence[Rule]) -> Iterator[str]:
    """What is wrong with a rule beside those before it."""
    for other in others:
        if rule.name and rule.name == other.name:
            yield f"two rules are called '{rule.name}'; a rule is known by its name, so give one of them another"
        same = (rule.when, rule.since) == (other.when, other.since)
        if same and rule.period != other.period and not (rule.name and other.name):
            yield (
                f"two rules count from {_said(rule.since)} in the same state, {other.period} and {rule.period}; "
                "keep one, or name both to say why there are two"
            )


def _alone(rule: Rule) -> Iterator[str]:
    floor = rule.floor
    if floor and floor.since == rule.since and floor.keep.end(_SOME_DAY) > rule.period.end(_SOME_DAY):
        yield (
            f"the floor keeps rows {floor.keep} from {_said(rule.since)}, longer than the promise of {rule.period} "
            "from the same event; one of the two is wrong"
        )
    if rule.law and rule.action == "drop_database":
        yield "a database is dropped whole, so no law can keep a row of it; put the law on the rows, or drop nothing"


def _on(rule: Rule, table: Table, vocabulary: Vocabulary) -> Iterator[str]:
    """What is wrong with a rule on this table."""
    for reference in events_of(rule):
        if "." in reference or reference.startswith("ulid:"):
            continue
        holds = table.columns[reference].holds
        if is_direct_identifier(holds):
            dates = [name for name, column in table.columns.items() if not is_direct_identifier(column.holds)]
            yield f"'{reference}' holds {holds}, which is no date to count from; others here: {', '.join(dates)}"
    if rule.deleted_by and not _follows_a_deletion(rule, vocabulary):
        known = [name for name in table.columns if _is_deletion(name, vocabulary)]
        yield (
            f"deleted_by says that a {rule.deleted_by} deleted these rows, but the rule also ends rows that nobody "
            f"deleted; count from a deletion alone ({', '.join(known) or 'no column here is one'}), require it with "
            "when, or take deleted_by away"
        )


def _follows_a_deletion(rule: Rule, vocabulary: Vocabulary) -> bool:
    """Whether no row is due before something was deleted: else expiries would be listed as erasures."""
    deletions = [reference for reference in rule.since.of if _is_deletion(reference, vocabulary)]
    required = any(rule.when.get(name) == "present" for name in deletions)
    return required or (len(deletions) == len(rule.since.of) and not rule.otherwise and not rule.sooner)


def _is_deletion(reference: str, vocabulary: Vocabulary) -> bool:
    said = vocabulary.events.get(reference)
    words = f"{own_column(reference)} {said.en if said else ''}".lower()
    return any(stem in words for stem in _DELETIONS)


def _said(anchor: Anchor) -> str:
    return f"{anchor.pick} of {', '.join(anchor.of)}" if len(anchor.of) > 1 else f"'{anchor.of[0]}'"
