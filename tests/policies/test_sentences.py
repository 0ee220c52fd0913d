"""The splitter: where a sentence ends, in a page that was copied as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.catalog.policy import SentenceAt
from genuka_pipelines.catalog.sentences import carried, moved, split, unmapped

POLICY = (
    "Dernière version : 1er mai.\n"
    "Données de compte\n"
    "Nous demandons un nom (et un téléphone, etc.) à l'inscription. Rien d'autre n'est exigé.Candidatures\n"
    "Un dossier est gardé 2 ans (cf. Notre calendrier). Il est ensuite détruit.\n"
    "Prestataire | Rôle |\n---|\nDupont, Inc. | Hébergement. Certificats : A 1, B 2. |\n"
)
CLAUSES: dict[str, tuple[str, ...]] = {
    "Nous demandons": ("ZZ-01",), "Rien": ("ZZ-01", "ZZ-02"), "Un dossier": ("ZZ-03",), "Il est": ("ZZ-03",),
    "Dupont": ("ZZ-04",), "Hébergement": ("ZZ-04",), "Certificats": ("ZZ-05",),
}  # fmt: skip


def mapped(text: str) -> list[SentenceAt]:
    entries = []
    for sentence in split(text):
        clauses = next((c for start, c in CLAUSES.items() if sentence.text.startswith(start)), ())
        why = None if clauses else "heading"
        entries.append(
            SentenceAt.model_validate(
                {
                    "at": (sentence.start, sentence.end),
                    "sha256": sentence.sha256,
                    "clauses": clauses,
                    "why": why,
                }
            )
        )
    return entries


def test_headings_glued_to_a_sentence_cells_and_abbreviations() -> None:
    assert [sentence.text for sentence in split(POLICY)] == [
        "Dernière version : 1er mai.",
        "Données de compte",
        "Nous demandons un nom (et un téléphone, etc.) à l'inscription.",
        "Rien d'autre n'est exigé.",
        "Candidatures",
        "Un dossier est gardé 2 ans (cf. Notre calendrier).",
        "Il est ensuite détruit.",
        "Prestataire",
        "Rôle",
        "Dupont, Inc.",
        "Hébergement.",
        "Certificats : A 1, B 2.",
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (" \n\t|\n* • ---|", []),
        ("A. Les hôtes", ["A. Les hôtes"]),
        ("C'est dit (ou presque).Œuvres", ["C'est dit (ou presque).", "Œuvres"]),
        ("Voir genuka.com. 12 mois.", ["Voir genuka.com.", "12 mois."]),
        ("3.5 EUR, soit 7.2 USD", ["3.5 EUR, soit 7.2 USD"]),
        ("M. Kamga, S.A.R.L. Exemple", ["M. Kamga, S.A.R.L. Exemple"]),
        ("Nom, etc. Ensuite", ["Nom, etc.", "Ensuite"]),
        ("* un,\r\n* deux !\n", ["un,", "deux !"]),
        ("Ah\u2026 Bon\u00a0? « Oui. » Non", ["Ah…", "Bon\u00a0?", "« Oui. »", "Non"]),
        ("un…\u2028deux", ["un…", "deux"]),
    ],
)
def test_ends(text: str, sentences: list[str]) -> None:
    found = [sentence.text for sentence in split(text)]
    assert found == sentences


@given(st.text(alphabet=st.sampled_from(list("aÀé1 .!…?|*•)»«\"'\n\r\u2028\u00a0-ABcf")), max_size=80) | st.text())
def test_positions_are_exact_and_nothing_is_lost(text: str) -> None:
    sentences = split(text)
    at = 0
    for sentence in sentences:
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        assert not any(c.isalnum() for c in text[at : sentence.start])
        at = sentence.end
    assert not any(c.isalnum() for c in text[at:])


def test_a_hostile_line_takes_no_longer_than_its_length() -> None:
    for text in (
        "." * 200_000,
        "a. " * 60_000,
        ".  " * 60_000,
        "….)" * 60_000,
        "| " * 100_000,
        "A." * 60_000,
    ):
        split(text)


def test_a_whole_map_leaves_nothing_unmapped_and_nothing_moved() -> None:
    assert unmapped(POLICY, mapped(POLICY)) == []
    assert moved(POLICY, mapped(POLICY)) == []
    assert carried(POLICY, mapped(POLICY)) == mapped(POLICY)


def test_a_sentence_without_clause_or_reason_is_listed() -> None:
    bare = [entry.model_copy(update={"clauses": (), "why": None}) for entry in mapped(POLICY)]
    assert unmapped(POLICY, bare) == split(POLICY)
    assert [s.text for s in unmapped(POLICY, mapped(POLICY)[1:])] == ["Dernière version : 1er mai."]


def test_a_reworded_sentence_names_its_clauses_and_only_its_own() -> None:
    new = POLICY.replace("gardé 2 ans", "gardé 5 ans")
    (change,) = moved(new, mapped(POLICY))
    assert change.clauses == ("ZZ-03",)
    assert [sentence.text for sentence in change.now] == ["Un dossier est gardé 5 ans (cf. Notre calendrier)."]
    assert [sentence.text for sentence in unmapped(new, carried(new, mapped(POLICY)))] == [change.now[0].text]


def test_text_pushed_along_is_no_change_but_a_new_sentence_is() -> None:
    new = POLICY.replace("Données de compte\n", "Données de compte\nNous vendons tout. ")
    (change,) = moved(new, mapped(POLICY))
    assert change.was == ()
    assert change.clauses == ()
    assert [sentence.text for sentence in change.now] == ["Nous vendons tout."]
    kept = carried(new, mapped(POLICY))
    assert [s.text for s in unmapped(new, kept)] == ["Nous vendons tout."]
    assert [entry.clauses for entry in kept if entry.clauses] == [e.clauses for e in mapped(POLICY) if e.clauses]


def test_a_sentence_that_went_away_names_its_clauses() -> None:
    new = POLICY.replace(" Rien d'autre n'est exigé.", "")
    (change,) = moved(new, mapped(POLICY))
    assert change.now == ()
    assert change.clauses == ("ZZ-01", "ZZ-02")


def test_a_sentence_put_under_another_heading_is_a_change() -> None:
    new = POLICY.replace(" Rien d'autre n'est exigé.", "").replace("Il est", "Rien d'autre n'est exigé. Il est")
    assert {clause for change in moved(new, mapped(POLICY)) for clause in change.clauses} >= {
        "ZZ-01",
        "ZZ-02",
    }
