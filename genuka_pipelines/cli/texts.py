"""The terminal's own texts in French, by the English that the commands are written in.

A French officer reads the same tables as an English one. A text that is missing here would come out in
English between French ones, so a test reads the commands and compares. `--json` is the same in both.
"""

from __future__ import annotations

from genuka_pipelines.settings import language_of

FRENCH: dict[str, str] = {
    "regions with tonight's backup": "régions avec la sauvegarde de cette nuit",
    "backups restored in drills": "sauvegardes restaurées en exercice",
    # tables and their columns
    "Categories": "Catégories",
    "Clauses": "Clauses",
    "Clauses touched": "Clauses touchées",
    "Doctor": "Diagnostic",
    "Done in {seconds} s": "Fait en {seconds} s",
    "Findings that wait": "Signalements en attente",
    "Problems": "Problèmes",
    "Seeded": "Données créées",
    "Sentences that differ": "Phrases qui diffèrent",
    "Up": "En marche",
    "category": "catégorie",
    "check": "contrôle",
    "clause": "clause",
    "clauses": "clauses",
    "column": "colonne",
    "detail": "détail",
    "detector": "détecteur",
    "entry": "entrée",
    "first expires": "premier expire",
    "first id": "premier identifiant",
    "how": "comment",
    "kept by": "tenue par",
    "line": "ligne",
    "part": "partie",
    "result": "résultat",
    "role": "rôle",
    "rows": "lignes",
    "rules": "règles",
    "sentences before": "phrases avant",
    "sentences now": "phrases maintenant",
    "state": "état",
    "table": "table",
    "tables": "tables",
    "waiting": "en attente",
    "what": "quoi",
    "where": "où",
    "Dedicated databases that end": "Bases dédiées qui prennent fin",
    "Due": "À échéance",
    "Holds": "Gels",
    "Notices that wait": "Préavis à envoyer",
    "Pace": "Rythme",
    "Swept": "Balayé",
    "anonymised": "anonymisées",
    "binds": "s'applique à",
    "case": "dossier",
    "days": "jours",
    "deleted": "supprimées",
    "due": "à échéance",
    "end": "fin",
    "expires": "expire",
    "held": "gelées",
    "hold": "gel",
    "by hand": "à la main",
    "kept by law": "gardées par la loi",
    "kind": "nature",
    "notice": "préavis",
    "reason": "motif",
    "rows a batch": "lignes par lot",
    "rows a second": "lignes par seconde",
    "rule": "règle",
    "seconds behind": "secondes de retard",
    "step": "étape",
    "survivors": "restantes",
    "tenant": "client",
    # words in their cells
    "announced": "annoncée",
    "dropped": "supprimée",
    "emptied in part": "vidée en partie",
    "expired: release or renew it": "expiré : à lever ou à renouveler",
    "going": "en cours",
    "in force": "en vigueur",
    "not due": "pas à échéance",
    "off": "éteint",
    "on": "en service",
    "paused": "en pause",
    "released": "levé",
    "used since": "utilisée depuis",
    "waits for a final backup": "attend une dernière sauvegarde",
    "waits for its notice": "attend son préavis",
    "NOT OK": "EN PANNE",
    "broken": "rompue",
    "categories observed": "catégories observées",
    "changed": "changée",
    "checks": "contrôles",
    "clauses {state}": "clauses : {state}",
    "controller": "responsable",
    "gone": "retirée",
    "kept": "tenue",
    "ledger entries": "entrées du registre",
    "moved": "déplacée",
    "new": "nouvelle",
    "not switched on": "pas en service",
    "ok": "en ordre",
    "planned": "prévue",
    "procedure": "procédure",
    "processor": "sous-traitant",
    "rows made": "lignes créées",
    "store {name}": "stockage {name}",
    "tables staged": "tables préparées",
    "unproven": "non prouvée",
    "{passed} passed, {failed} failed": "{passed} réussis, {failed} échoués",
    "{rows} in {tables} tables": "{rows} dans {tables} tables",
    # sentences
    "1/8 starting PostgreSQL, stores and keys …": "1/8 démarrage de PostgreSQL, des stockages et des clés …",
    "2/8 filling a synthetic Genuka and Genletter ({companies} companies, {days} days) …": (
        "2/8 remplissage d'un Genuka et d'un Genletter synthétiques ({companies} entreprises, {days} jours) …"
    ),
    "{number}/8 Dagster job {job} …": "{number}/8 job Dagster {job} …",
    "Look: make dev (the Dagster UI) · genuka catalog · genuka ledger verify · {logs}": (
        "À voir : make dev (l'interface de Dagster) · genuka catalog · genuka ledger verify · {logs}"
    ),
    "From now on {capability} destroys data by itself. Go live?": (
        "Désormais, {capability} détruira des données de lui-même. Mettre en service ?"
    ),
    "anchored entry {seq}": "entrée {seq} ancrée",
    "confirmed": "confirmé",
    "dismissed": "écarté",
    "failed: {name}": "échec : {name}",
    "finding {id}: {decision}": "signalement {id} : {decision}",
    "no sentence differs": "aucune phrase ne diffère",
    "hold {id} is placed": "le gel {id} est posé",
    "hold {id} is released": "le gel {id} est levé",
    "hold {id} is renewed": "le gel {id} est renouvelé",
    "nothing": "rien",
    "nothing was running": "rien ne tournait",
    "stopped": "arrêté",
    "undeclared: {what}": "non déclaré : {what}",
    "unknown": "inconnu",
    "what is undeclared, and the evidence, are unknown: {why}": (
        "ce qui n'est pas déclaré et les preuves sont inconnus : {why}"
    ),
    "{capability} is {state}": "{capability} : {state}",
    "{count} rules have nothing due": "{count} règles n'ont rien à échéance",
    "{entries} entries, NOT intact": "{entries} entrées, registre ABÎMÉ",
    "{entries} entries, intact": "{entries} entrées, registre intact",
    "{listed} of {waiting} are shown, the first to expire": (
        "{listed} sur {waiting} sont montrés, les premiers à expirer"
    ),
}


def said(text: str, **values: object) -> str:
    """The text in the language of `GENUKA_LANGUAGE`, its `{names}` filled in."""
    if language_of() == "fr":
        text = FRENCH.get(text, text)
    return text.format(**values) if values else text
