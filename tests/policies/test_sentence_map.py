"""The map from each sentence of the published policies to the clauses that it carries.

The texts themselves are not ours to copy: they are read from the folder that `GENUKA_POLICY_TEXTS`
names, or from `../shared/policies` beside this repository; without either these tests skip, loudly.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from genuka_pipelines.catalog.policy import SentenceAt
from genuka_pipelines.catalog.sentences import carried, moved, split, unmapped

ROOT = Path(__file__).parents[2]
# Read at import: each test starts without the `GENUKA_…` variables of whoever runs it.
NAMED = os.environ.get("GENUKA_POLICY_TEXTS")
TEXTS = Path(NAMED) if NAMED else ROOT.parent / "shared" / "policies"
PRODUCTS = ("genuka", "genletter")


@cache
def facts(product: str) -> dict[str, Any]:
    path = ROOT / "assets" / "policies" / product / "defs.yaml"
    attributes: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["attributes"]
    return attributes


@cache
def entries(product: str) -> list[SentenceAt]:
    return [SentenceAt.model_validate(entry) for entry in facts(product)["sentences"]]


def raw(product: str) -> bytes:
    path = TEXTS / f"{product}.txt"
    if not path.is_file():
        message = f"no policy text at {path}: the sentence map of {product} is not checked; set GENUKA_POLICY_TEXTS"
        if NAMED:
            pytest.fail(message)
        warnings.warn(message, stacklevel=2)
        pytest.skip(message)
    return path.read_bytes()


def text_of(product: str) -> str:
    return raw(product).decode("utf-8")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_entry_carries_a_clause_or_says_why_not(product: str) -> None:
    for entry in facts(product)["sentences"]:
        assert bool(entry["clauses"]) != bool(entry.get("why")), entry["at"]
        assert re.fullmatch(r"[0-9a-f]{16}", entry["sha256"]), entry["at"]


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_clause_stands_on_a_sentence(product: str) -> None:
    carried_by = {clause for entry in entries(product) for clause in entry.clauses}
    assert carried_by == {clause["id"] for clause in facts(product)["clauses"]}


@pytest.mark.parametrize("product", PRODUCTS)
def test_positions_rise_without_overlap(product: str) -> None:
    at = 0
    for entry in entries(product):
        assert at <= entry.at[0] < entry.at[1]
        at = entry.at[1]


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_map_was_made_from_this_very_text(product: str) -> None:
    data = raw(product)
    changes = moved(data.decode("utf-8"), entries(product))
    touched = sorted({clause for change in changes for clause in change.clauses})
    assert hashlib.sha256(data).hexdigest() == facts(product)["source_sha256"], f"clauses touched: {touched}"


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_sentence_is_mapped_where_it_stands(product: str) -> None:
    text = text_of(product)
    assert unmapped(text, entries(product)) == []
    assert moved(text, entries(product)) == []
    assert len(split(text)) == len(entries(product))
    for entry in entries(product):
        here = text[entry.at[0] : entry.at[1]]
        assert hashlib.sha256(here.encode()).hexdigest()[:16] == entry.sha256, entry.at


@pytest.mark.parametrize("product", PRODUCTS)
def test_headings_are_mapped_as_headings_and_promises_are_not(product: str) -> None:
    """A heading ends without a full stop and is short; what says *never* or *at most* carries a clause."""
    text = text_of(product)
    promise = re.compile(r"\b(jamais|uniquement|maximale?|maximum|nous engageons|à tout moment|\d+ mois|\d+ ans)\b")
    for entry in entries(product):
        here = text[entry.at[0] : entry.at[1]]
        if entry.why == "heading":
            assert not here.endswith("."), here
            assert len(words(here)) <= 13, here
        if promise.search(here):
            assert entry.clauses, here


@pytest.mark.parametrize("product", PRODUCTS)
def test_each_sentence_reworded_names_exactly_its_clauses(product: str) -> None:
    text = text_of(product)
    for entry in entries(product):
        start, end = entry.at
        new = text[: start + 2] + "zut" + text[start + 2 :]
        changes = moved(new, entries(product))
        assert [change.clauses for change in changes] == [entry.clauses], text[start:end]
        assert len(unmapped(new, carried(new, entries(product)))) == 1


def test_a_longer_period_for_recordings_is_found() -> None:
    text = text_of("genuka")
    (change,) = moved(text.replace("supprimés après un mois", "supprimés après deux mois"), entries("genuka"))
    assert change.clauses == ("GK-39",)


@pytest.mark.parametrize("product", PRODUCTS)
def test_our_texts_are_our_own_words(product: str) -> None:
    """No run of eight words or more is the policy's."""
    run = 8
    theirs = words(text_of(product))
    grams = {tuple(theirs[i : i + run]) for i in range(len(theirs) - run + 1)}
    found = facts(product)
    texts = [(item["id"], text) for item in found["clauses"] for text in item["text"].values()]
    texts += [(t["id"], text) for t in found["tensions"] for k in ("text", "decision") for text in t[k].values()]
    for name, text in texts:
        ours = words(text)
        shared = [ours[i : i + run] for i in range(len(ours) - run + 1) if tuple(ours[i : i + run]) in grams]
        assert not shared, (name, shared)
