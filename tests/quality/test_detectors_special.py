"""Rules about words: they can be read, they say what is wrong, and no word of theirs is unreachable."""

from __future__ import annotations

import re
from pathlib import Path
from string import ascii_lowercase

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from genuka_pipelines.quality.detectors import detectors, find
from genuka_pipelines.quality.detectors.special import FAMILIES, frames
from genuka_pipelines.quality.detectors.special.frames import UnreadableRule, parsed, spoken
from genuka_pipelines.quality.detectors.special.rules import Family, load
from tests.conftest import ROUNDS

SPECIAL = detectors("special_categories", "health")
TOPICS = [
    ("belief", "faith", "Je suis {}."),
    ("belief", "office", "J'ai été {} en 2010."),
    ("union", "org", "Je suis membre de {}."),
    ("politics", "party", "Je suis membre de {}."),
    ("politics", "ism", "Je suis {}."),
    ("origin", "people", "Je suis {}."),
    ("origin", "colour", "Je suis {}."),
    ("sex_life", "orientation", "Je suis {}."),
    ("health", "state", "Je suis {}."),
]


@settings(max_examples=max(2, ROUNDS // 10), phases=[Phase.generate])
@given(st.data())
@pytest.mark.parametrize(("family", "words", "said"), TOPICS)
def test_no_word_is_kept_out_by_the_gate(family: str, words: str, said: str, data: st.DataObject) -> None:
    file = parsed(family, Family)
    gate = next(load(family)).gate
    ways = [[re.compile(gate.local(part)) for part in way] for way in gate.ways]
    for word in file.words[words]:
        filled = re.sub(r"<([a-z_]+)>", lambda name: f"(?:{'|'.join(file.words[name[1]])})", word)
        text = said.format(data.draw(st.from_regex(filled, fullmatch=True, alphabet=ascii_lowercase + " '-")))
        reached = any(all(part.search(text) for part in way) for way in ways)
        assert reached, f"no stem of {family}.yaml lets {text!r} through: {word!r} is never looked for"


def test_no_rule_spells_out_an_opening_that_the_frames_have_marked() -> None:
    for family in FAMILIES:
        for name, statement in parsed(family, Family).detectors.items():
            for rule in statement.says:
                assert not re.search(r"\b(?:je suis|i am|i'm|he is|il est|elle est) ", rule), (name, rule)


def test_a_speaker_is_marked_once_and_the_text_stays() -> None:
    told = spoken("Je suis catholique et la candidate est athée. Regardless of religion, ok.")
    assert told.count("\ue010") == told.count("\ue011") == 1
    assert "religion" not in told


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Je ne suis membre d'aucun syndicat.", "union_membership"),
        ("I am not gay.", "sex_life"),
        ("Je suis athée.", "religious_belief"),
        ("I have no religion.", "religious_belief"),
        ("Je n'appartiens à aucun parti politique.", "political_opinion"),
    ],
)
def test_a_denial_tells_as_much_as_a_statement(said: str, kind: str) -> None:
    assert {found.kind for found in find([said], SPECIAL)} == {kind}


@pytest.mark.parametrize(
    "said",
    [
        "Nous ne demandons jamais votre religion, votre ethnie : indiquez vos diplômes.",
        "We never record your religion or trade union membership.",
        "Ouvert à tous, sans distinction d'origine, de religion ou d'orientation sexuelle",
    ],
)
def test_a_promise_not_to_ask_tells_nothing(said: str) -> None:
    assert find([said], SPECIAL) == []


def test_a_promise_hides_no_statement_that_follows_it() -> None:
    said = "Vous ne demandez pas la religion mais je suis musulman. We never ask; I am a Catholic."
    assert {found.kind for found in find([said], SPECIAL)} == {"religious_belief"}


@given(st.text("abcdefghij éèà.,'\n", max_size=30), st.text("abcdefghij éèà.,'\n", max_size=30))
def test_a_statement_is_found_wherever_it_stands(before: str, after: str) -> None:
    said = f"{before}. Je suis syndiqué à la CGT. {after}"
    assert "union_membership" in {found.kind for found in find([said], detectors("union.stated"))}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            "kind: x\nstems: [a]\ndetectors: {x.y: {title: {fr: a, en: b}, says: [<fayth>]}}",
            "nothing is called <fayth>",
        ),
        (
            "kind: x\nstems: [a]\nwords: {a: [<a>]}\ndetectors: {x.y: {title: {fr: a, en: b}, says: [<a>]}}",
            "names itself",
        ),
        ("kind: x\nstems: [a]\ndetectors: {x.y: {title: {fr: a, en: b}, says: ['(']}}", "detector x.y"),
        ("kind: x\nstems: ['\\d+']\ndetectors: {x.y: {title: {fr: a, en: b}, says: [a]}}", "do not share"),
        ("kind: x\nstems: [a]\ndetectors: {x.y: {title: {fr: a, en: b}}}", "needs something in `says` or in `fields`"),
        ("kind: x\nstems: []\ndetectors: {}", "stems: Tuple should have at least 1 item"),
        ("kind: x\nstems: [a]\ndetectors: {x.y: {title: {fr: a}, says: [a]}}", "title.en: Field required"),
        ("kind: x\nstemms: [a]\ndetectors: {}", "stemms: Extra inputs are not permitted"),
        ("kind: [x\n", "wrong.yaml: while parsing"),
        ("", "wrong.yaml"),
    ],
)
def test_a_wrong_rule_is_named_with_its_place(
    rules: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames.shared_words()
    (tmp_path / "wrong.yaml").write_text(rules)
    monkeypatch.setattr(frames, "files", lambda _: tmp_path)
    with pytest.raises(UnreadableRule, match=re.escape(message)) as told:
        list(load("wrong"))
    assert str(told.value).startswith("wrong.yaml")
    assert told.value.exit_code == 2
