"""Statements of the five special categories, in French and English, in letters and staff files."""

from __future__ import annotations

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.values import GENUKA

STATEMENTS = (
    ("ethnic_origin", "Je suis d'origine bamiléké et fier de mes racines.", "I am of Hausa ethnic origin."),
    (
        "political_opinion",
        "Je suis militant du Parti socialiste depuis dix ans.",
        "I am a member of the Green Party and campaign for it.",
    ),
    (
        "religious_belief",
        "Je suis catholique pratiquante et je chante à la messe.",
        "I am a practising Muslim and I observe Ramadan.",
    ),
    ("union_membership", "Je suis syndiqué à la CGT.", "I am a member of a trade union."),
    ("sex_life", "Je suis homosexuel et je vis avec mon compagnon.", "I am a lesbian and proud of it."),
)


def plant(bed: Bed) -> None:
    """Each statement in a cover letter and in the notes of a staff file, in both languages."""
    for kind, *spoken in STATEMENTS:
        for statement in spoken:
            letter = f"Bonjour,\n\nVotre annonce m'intéresse. {statement}\n\nCordialement."
            sent = {**bed.person(), "status": "received", "source": "website", "cover_letter": letter}
            bed.plant(kind, (GENUKA, "job_applications", "cover_letter"), sent)
            noted = statement.replace("Je suis", "Elle est").replace("I am", "She is")
            file = {**bed.person(), "country": "CM", "hired_at": bed.ago(30), "notes": f"Entretien. {noted}"}
            bed.plant(kind, (GENUKA, "employees", "notes"), file)
    remark = {"remarque": "Elle est syndiquée à la CGT."}
    file = {**bed.person(), "country": "FR", "hired_at": bed.ago(30), "legal_data": remark}
    bed.plant("union_membership", (GENUKA, "employees", "legal_data"), file)
