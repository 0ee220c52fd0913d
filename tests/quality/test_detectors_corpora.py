"""How well the detectors judge texts that people wrote: figures that may rise, and not fall unseen.

The held-out corpora were written without looking at the rules and are never used to tune them; a
change that moves their figures is to be reported, not to be explained away.
"""

from __future__ import annotations

import pytest

from genuka_pipelines.quality.detectors import detectors, find
from tests.conftest import ROUNDS, SEED
from tests.quality.corpora import business_texts, corpus, score
from tests.quality.corpora.disguises import BLANKS, DISGUISES

NAMES = {
    "cards": ("cards",),
    "special": ("special_categories", "health"),
    "passwords": ("passwords",),
    "contacts": ("contacts",),
}
# (corpus, at least this recall, at least this precision): what was measured, rounded down.
FIGURES = [
    ("cards", 0.99, 1.0),
    ("special", 0.99, 1.0),
    ("passwords", 1.0, 1.0),
    ("contacts", 1.0, 1.0),
    ("cards_held_out", 0.98, 0.98),
    ("special_held_out", 0.89, 1.0),
    ("passwords_held_out", 1.0, 1.0),
    ("contacts_held_out", 1.0, 1.0),
    # Hints and turns of phrase instead of statements: most pass unseen, and this says how many.
    ("special_held_out_2", 0.40, 1.0),
]


@pytest.mark.parametrize(("name", "recall", "precision"), FIGURES)
def test_a_corpus_is_judged_as_well_as_it_was(name: str, recall: float, precision: float) -> None:
    found = score(corpus(name), detectors(*NAMES[name.partition("_held_out")[0]]))
    # Whoever saw which held-out texts were misjudged could tune on them.
    seen = [] if "_held_out" in name else [case.text for case in found.misjudged]
    assert found.recall >= recall, (found.by_kind, seen)
    assert found.precision >= precision, (found.by_kind, seen)


@pytest.mark.parametrize("name", NAMES)
def test_a_corpus_is_large_and_half_of_it_is_harmless(name: str) -> None:
    cases = corpus(name)
    harmless = [case for case in cases if not case.kinds]
    assert len(cases) >= 150
    assert len(harmless) * 4 >= len(cases)
    assert len({case.text for case in cases}) == len(cases)


def test_no_text_of_a_held_out_corpus_was_developed_on() -> None:
    for name in NAMES:
        seen = {case.text for case in corpus(name)}
        assert [case.text for case in corpus(f"{name}_held_out") if case.text in seen and len(case.text) > 20] == []


def test_ordinary_texts_hold_nothing() -> None:
    texts = business_texts(2_000, SEED)
    found = find(texts, detectors("cards", "special_categories"))
    assert [(one.detector, texts[one.row]) for one in found] == []


# How the groups of a number are set apart is part of what says that it is a card's.
WORN = [*(("cards", worn) for worn in DISGUISES), *(("special", worn) for worn in (*DISGUISES, *BLANKS))]


@pytest.mark.parametrize(("name", "disguise"), WORN)
def test_a_disguise_changes_nothing(name: str, disguise: str) -> None:
    wanted, every = detectors(*NAMES[name]), {**DISGUISES, **BLANKS}
    few = slice(None) if ROUNDS >= 100 else slice(list(every).index(disguise) % 4, None, 4)
    plain = [case.text for case in corpus(name)[few]]
    disguised = [every[disguise](text) for text in plain]
    assert find(disguised, wanted) == find(plain, wanted)
