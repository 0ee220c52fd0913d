"""What is taken out of a text: every spelling that was sought, as a whole, and nothing of anybody else."""

from __future__ import annotations

import json

import pytest

from genuka_pipelines.rows.correcting import ERASED, without

ANN = without(["ann@example.org", "+237699001122", "+237 6 99 00 11 22", "Zoé Ann"])


@pytest.mark.parametrize(
    "text",
    [
        "joann@example.org", "x.ann@example.org", "ann@example.org.uk", "ann@example.orgs", "ann@example.org-two.net",
        "+2376990011223", "Zoé Anna", "Zoé Ann2", "aZoé Ann", '{"a": "joann@example.org"}',
    ],
)  # fmt: skip
def test_what_is_part_of_another_stays(text: str) -> None:
    assert ANN(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ann@example.org", ERASED), ("to: ANN@example.org.", f"to: {ERASED}."),
        ("<ann@example.org>, b", f"<{ERASED}>, b"),
        ("(+237 6 99 00 11 22)", f"({ERASED})"), ("zoé ann's", f"{ERASED}'s"),
        ("mailto:ann@example.org?x", f"mailto:{ERASED}?x"),
    ],
)  # fmt: skip
def test_what_stands_alone_goes(text: str, left: str) -> None:
    assert ANN(text) == left


def test_json_is_read_and_written_and_what_is_not_changed_keeps_its_bytes() -> None:
    text = '{"by":"Zo\\u00e9 Ann",  "n": [1.50, "ann@example.org"]}'
    assert ANN(text) == f'{{"by":"{ERASED}",  "n": [1.50, "{ERASED}"]}}'
    assert ANN('{"ann@example.org": "\\"ann@example.org\\""}') == json.dumps({ERASED: f'"{ERASED}"'})
    kept = '{"by":"Zo\\u00e9 Anna",  "n": [1.50]}'
    assert ANN(kept) == kept


def test_of_nothing_nothing_is_taken() -> None:
    nothing = without([])
    assert nothing("") == ""
    assert nothing(None) is None
    assert nothing("ann@example.org") == "ann@example.org"
