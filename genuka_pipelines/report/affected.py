"""What a new version of a policy touches: the sentences that differ, and everything that keeps their clauses.

A changed word is a changed promise; without this, whoever publishes a new text would have to know by
heart which rules and checks still keep the old one. Holds places, never the policy's text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.keepers import keepers
from genuka_pipelines.catalog.policy import Policy, SentenceAt
from genuka_pipelines.catalog.sentences import Change, Sentence, moved

Place = tuple[int, int]
"""Where a sentence begins and ends, in characters."""


@dataclass(frozen=True)
class Difference:
    """Neighbouring sentences that differ: where they stand, where they stood, the clauses they carried."""

    at: tuple[Place, ...]
    was: tuple[Place, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True)
class Touched:
    """A clause whose sentences differ: its keepers, the categories that name it, the rules that state it."""

    id: str
    keepers: tuple[str, ...]
    categories: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Affected:
    """How a text differs from a policy's map, each kind in the order of the text, and the clauses touched."""

    changed: tuple[Difference, ...]
    moved: tuple[Difference, ...]
    new: tuple[Difference, ...]
    gone: tuple[Difference, ...]
    clauses: tuple[Touched, ...]


def affected(catalog: Catalog, policy: Policy, text: str) -> Affected:
    """Compares `text` with the policy's sentence map and follows the clauses of what differs.

    *Moved* stands elsewhere word for word, *changed* replaces other words, *new* replaces none, and
    nothing replaces what is *gone*.
    """
    changes = moved(text, policy.sentences)
    elsewhere = _elsewhere(changes)
    came, left = {now.start for _, now in elsewhere}, {was.at for was, _ in elsewhere}
    found: dict[str, list[Difference]] = defaultdict(list)
    for change in changes:
        now = [sentence for sentence in change.now if sentence.start not in came]
        was = [entry for entry in change.was if entry.at not in left]
        if now or was:
            found["changed" if now and was else "new" if now else "gone"].append(_difference(now, was))
    found["moved"] = [_difference([now], [was]) for was, now in elsewhere]
    touched = {clause for kind in found.values() for difference in kind for clause in difference.clauses}
    return Affected(
        changed=tuple(found["changed"]),
        moved=tuple(found["moved"]),
        new=tuple(found["new"]),
        gone=tuple(found["gone"]),
        clauses=tuple(_touched(catalog, [clause for clause in catalog.clauses if clause in touched])),
    )


def _elsewhere(changes: Iterable[Change]) -> list[tuple[SentenceAt, Sentence]]:
    """Pairs of the same words in two changes: where they stood and where they stand."""
    changes = list(changes)
    waiting: dict[str, list[SentenceAt]] = defaultdict(list)
    for change in changes:
        for entry in change.was:
            waiting[entry.sha256].append(entry)
    return [
        (waiting[sentence.sha256].pop(0), sentence)
        for change in changes
        for sentence in change.now
        if waiting[sentence.sha256]
    ]


def _difference(now: Sequence[Sentence], was: Sequence[SentenceAt]) -> Difference:
    return Difference(
        at=tuple((sentence.start, sentence.end) for sentence in now),
        was=tuple(entry.at for entry in was),
        clauses=Change(tuple(now), tuple(was)).clauses,
    )


def _touched(catalog: Catalog, clauses: Iterable[str]) -> Iterator[Touched]:
    kept_by = keepers(catalog)
    stated = {key: list(_rules(key, category)) for key, category in catalog.categories.items()}
    for clause in clauses:
        yield Touched(
            id=clause,
            keepers=kept_by[clause],
            categories=tuple(
                key
                for key, category in catalog.categories.items()
                if clause in category.clauses or any(said == clause for _, said in stated[key])
            ),
            rules=tuple(name for rules in stated.values() for name, said in rules if said == clause),
        )


def _rules(key: str, category: Category) -> Iterator[tuple[str, str | None]]:
    """Every rule of a category and the clause it states: of a table, of the category, of its objects."""
    for table, declared in category.tables.items():
        for rule in declared.retention:
            yield f"{key}#{table}.{rule.name or rule.clause}", rule.clause
    for rule in category.retention:
        yield f"{key}#{rule.name or rule.clause}", rule.clause
    for objects in category.objects:
        yield f"{key}#{objects.system}/{objects.prefix}", objects.clause
