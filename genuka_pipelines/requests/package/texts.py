"""The words of a package in French and English, side by side: whoever opens it may read either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from genuka_pipelines.catalog.value import Language, Words

LANGUAGES: tuple[Language, ...] = ("fr", "en")
_SAID: dict[str, tuple[str, str]] = {
    "title_access": ("Vos données", "Your data"),
    "title_portability": ("Vos données, à emporter", "Your data, to take along"),
    "intro_access": (
        "Voici les données que {controller} détient sur vous et dont {controller} répond, avec ce que l'article 15 du "
        "RGPD demande d'en dire : pourquoi, de quel droit, d'où elles viennent, qui les reçoit, où elles sont et "
        "combien de temps.",
        "These are the data that {controller} holds about you and answers for, with what article 15 of the GDPR has "
        "told of them: why, by what right, where they come from, who receives them, where they are and for how long.",
    ),
    "intro_portability": (
        "Voici les données que vous avez données à {controller}, utilisées avec votre accord ou pour exécuter un "
        "contrat (article 20 du RGPD). Le fichier data.json les contient toutes, sous une forme qu'un autre service "
        "peut lire ; data.schema.json la décrit.",
        "These are the data that you gave to {controller}, used with your consent or to carry out a contract (GDPR "
        "article 20). The file data.json has all of them in a form that another service can read; data.schema.json "
        "describes it.",
    ),
    "as_of": ("État au {at}", "As of {at}"),
    "request": ("Demande {id}", "Request {id}"),
    "about": ("Cherché d'après :", "Searched by:"),
    "contents": ("Sommaire", "Contents"),
    "yes": ("oui", "yes"),
    "no": ("non", "no"),
    "row": ("1 enregistrement", "1 record"),
    "rows": ("{n} enregistrements", "{n} records"),
    "nothing": (
        "Aucune donnée dont {controller} réponde ne vous concerne.",
        "There are no data about you for which {controller} answers.",
    ),
    "purposes": ("Pourquoi", "Why"),
    "legal_basis": ("De quel droit", "By what right"),
    "source": ("D'où elles viennent", "Where they come from"),
    "held_in": ("Où elles sont", "Where they are"),
    "copies": ("Copies de sauvegarde ({days} jours au plus)", "Backup copies ({days} days at most)"),
    "recipients": ("Qui les détient ou les reçoit", "Who holds or receives them"),
    "how_long": ("Combien de temps", "For how long"),
    "kept_with": (
        "Ces lignes disparaissent avec celle de « {table} » dont elles dépendent.",
        "These rows go with the row of \u201c{table}\u201d that they belong to.",
    ),
    "ends_delete": (
        "Elles disparaissent aussi avec ce que nomme « {column} ».",
        "They also go with what \u201c{column}\u201d names.",
    ),
    "ends_anonymise": (
        "Elles deviennent anonymes quand disparaît ce que nomme « {column} ».",
        "They become anonymous once what \u201c{column}\u201d names is gone.",
    ),
    "own_database": ("dans la base propre au client {tenant}", "in the own database of tenant {tenant}"),
    "shown": (
        "Les {shown} premiers enregistrements sur {n} ; data.json les contient tous.",
        "The first {shown} of {n} records; data.json has all of them.",
    ),
    "blank": ("Un champ vide n'est pas montré sur cette page.", "A field that is empty is not shown on this page."),
    "cut": ("… la suite est dans data.json", "… the rest is in data.json"),
    "secret": (
        "Non remis, car cela ouvre un accès (mot de passe, code, jeton, cookie) : {columns}.",
        "Not given, as it opens a door (password, code, token, cookie): {columns}.",
    ),
    "of_another": (
        "Retiré de {rows}, car cela désigne une autre personne (article 15(4)) : {columns}.",
        "Taken out of {rows}, as it names another person (article 15(4)): {columns}.",
    ),
    "files": ("Fichiers et enregistrements", "Files and recordings"),
    "file_given": ("joint, {size} octets", "enclosed, {size} bytes"),
    "file_too_large": (
        "non joint, car trop volumineux ({size} octets) : demandez-le en réponse",
        "not enclosed, as it is too large ({size} bytes): ask for it in reply",
    ),
    "file_missing": (
        "nommé par vos données, mais absent du stockage",
        "named by your data, yet not in the store",
    ),
    "file_elsewhere": (
        "détenu par {system} ({country}) ; demandez à le recevoir en réponse",
        "held by {system} ({country}); ask to receive it in reply",
    ),
    "file_more": (
        "Et {n} de plus, non listés ici : voyez les enregistrements.",
        "And {n} more, not listed here: see the records.",
    ),
    "tenants": ("Ce dont d'autres répondent", "What others answer for"),
    "tenants_said": (
        "{controller} garde aussi des données pour le compte d'entreprises clientes. Elles seules en décident et en "
        "répondent ; votre demande leur est transmise, et vous pouvez leur écrire.",
        "{controller} also keeps data on behalf of companies that are its customers. They alone decide about them and "
        "answer for them; your request is passed on to them, and you can write to them.",
    ),
    "tenant": ("Entreprise", "Company"),
    "number": ("Enregistrements", "Records"),
    "mentions": ("Où l'on parle de vous", "Where you are mentioned"),
    "mentions_said": (
        "Votre adresse ou votre numéro figure dans des textes qui concernent d'autres personnes. Ils ne sont pas "
        "remis, pour ne pas dévoiler ce qui les regarde.",
        "Your address or number stands in texts about other people. They are not given, so as not to reveal what is "
        "theirs.",
    ),
    "place": ("Emplacement", "Place"),
    "besides": ("Ce que votre demande ajoute", "What your request adds"),
    "kept_for": ("Gardé {period} au plus.", "Kept for {period} at most."),
    "rights": ("Vos droits", "Your rights"),
    "right_correct": (
        "Vous pouvez demander de corriger ou d'effacer ces données, d'en limiter l'usage, et vous opposer à leur "
        "usage, en particulier à toute prospection (articles 16 à 21 du RGPD).",
        "You may ask that these data be corrected or erased, that their use be restricted, and object to their use, "
        "to any marketing above all (GDPR articles 16 to 21).",
    ),
    "right_withdraw": (
        "Un accord que vous avez donné peut être retiré à tout moment.",
        "A consent that you gave can be withdrawn at any time.",
    ),
    "right_complain": (
        "Vous pouvez porter plainte auprès de l'autorité de protection des données de votre pays ; en France, la "
        "CNIL (www.cnil.fr), au Cameroun, l'autorité que désigne la loi 2024/017.",
        "You may complain to the data protection authority of your country; in France the CNIL (www.cnil.fr), in "
        "Cameroon the authority named by Law 2024/017.",
    ),
    "right_automated": (
        "Aucune décision fondée sur le seul traitement automatisé n'est déclarée (article 22).",
        "No decision based on automated processing alone is declared (article 22).",
    ),
    "right_ask": (
        "Pour toute question, répondez au message qui accompagne ce dossier.",
        "For any question, reply to the message that came with this package.",
    ),
    "by_declared": ("déclaré", "declared"),
    "by_proven": ("prouvé", "proven"),
    "source_given": ("Vous les avez données", "You gave them"),
    "source_recorded": ("Le service les a enregistrées", "The service recorded them"),
    "source_given_and_recorded": (
        "Vous en avez donné une partie, le service a enregistré le reste",
        "You gave some of them, the service recorded the rest",
    ),
    "source_made": ("{controller} les a produites", "{controller} made them"),
    "basis_consent": ("votre accord", "your consent"),
    "basis_contract": ("un contrat", "a contract"),
    "basis_legal_obligation": ("une obligation légale", "a legal obligation"),
    "basis_legitimate_interest": ("l'intérêt légitime", "a legitimate interest"),
    "basis_processor_instructions": ("les instructions d'un client", "a customer's instructions"),
    "basis_public_interest": ("l'intérêt public", "the public interest"),
    "role_processor": ("sous-traitant", "processor"),
    "role_controller": ("responsable pour son propre compte", "controller in its own right"),
    "role_processor_and_controller": (
        "sous-traitant, et responsable pour son propre compte",
        "processor, and controller in its own right",
    ),
    "role_own": ("responsable", "controller"),
    "in_FR": ("France", "France"),
    "in_US": ("États-Unis", "United States"),
    "in_DE": ("Allemagne", "Germany"),
    "in_IE": ("Irlande", "Ireland"),
    "in_NL": ("Pays-Bas", "Netherlands"),
    "in_BE": ("Belgique", "Belgium"),
    "in_GB": ("Royaume-Uni", "United Kingdom"),
    "in_CA": ("Canada", "Canada"),
    "in_CM": ("Cameroun", "Cameroon"),
}


def words(name: str, **values: Any) -> Words:
    """A text in both languages; a value may itself be in both."""
    return both(lambda lang: _SAID[name][LANGUAGES.index(lang)].format(**_in(lang, values)))


def both(said: Callable[[Language], str]) -> Words:
    """What is said in each language."""
    return Words(**{lang: said(lang) for lang in LANGUAGES})


def country(code: str) -> Words:
    """A country's name, or its code where it is none of ours."""
    return words(f"in_{code}") if f"in_{code}" in _SAID else Words(fr=code, en=code)


def count(rows: int) -> Words:
    """So many records."""
    return words("row" if rows == 1 else "rows", n=rows)


COMMA, SEMICOLON, COLON = Words(fr=",", en=","), Words(fr=" ;", en=";"), Words(fr=" :", en=":")


def joined(parts: Sequence[Words], mark: Words = COMMA) -> Words:
    """Several texts as one, with a mark and a space between."""
    return both(lambda lang: f"{mark(lang)} ".join(part(lang) for part in parts))


def _in(language: Language, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value(language) if isinstance(value, Words) else value for name, value in values.items()}
