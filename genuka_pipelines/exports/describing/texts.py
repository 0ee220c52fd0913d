"""Everything that an archive says to people, in both languages side by side, so that neither is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genuka_pipelines.catalog.value import Language

REASONS: Mapping[str, Mapping[Language, str]] = {
    "secret": {
        "fr": "mot de passe, jeton, secret ou son empreinte : il ouvrirait une porte à qui trouverait l'archive",
        "en": "a password, token, secret or the hash of one: it would open a door to whoever found the archive",
    },
    "key_is_secret": {
        "fr": "chaque ligne de cette table est un jeton qui ouvre une porte",
        "en": "each row of this table is a token that opens a door",
    },
    "recorded_by_us": {
        "fr": (
            "enregistré par Genuka pour son propre compte (accès et notes de son personnel, séances, navigateurs) : "
            "les personnes concernées l'obtiennent sur leur demande"
        ),
        "en": (
            "recorded by Genuka on its own account (its staff's accesses and notes, sessions, browsers): "
            "the people concerned are given it on their request"
        ),
    },
}

README: Mapping[Language, str] = {
    "fr": """\
# Archive complète

Établie le {day}. Toutes les données ont été lues au même instant dans chaque base. Avant d'être remise, cette archive
a été rechargée dans une base vide : comptes et empreintes de chaque table, et de chaque fichier, étaient les mêmes.

{tables} tables, {rows} lignes, {media} fichiers.

| dossier | contenu |
|---|---|
| `data/csv` | une table par fichier, pour un tableur (UTF-8, gzip) ; types et clés dans `data/datapackage.json` |
| `data/parquet` | les mêmes lignes typées, pour l'analyse |
| `data/ndjson` | les mêmes lignes, un objet JSON par ligne, documents imbriqués |
| `data/restore` | le texte exact des lignes ({product}) et la définition des tables, pour recharger une base |
| `data/media` | les fichiers, chacun sous son SHA-256 ; `index.ndjson` dit quelle ligne les nomme |
| `data/compliance` | ce qui est exclu et pourquoi, les durées de conservation, les destinataires, la qualité |

**Formules.** Dans les CSV, une apostrophe précède tout texte qui commence par `=`, `+`, `-`, `@`, une tabulation, un
retour ou une apostrophe, pour qu'aucun tableur n'exécute ce que quelqu'un a saisi. Pour retrouver l'original, ôtez le
premier caractère de chaque texte qui commence par une apostrophe. Les autres formes gardent les textes tels quels.

**Vides.** En CSV, rien veut dire « absent » et `""` un texte vide ; les autres formes les distinguent aussi. Les
décimaux sont des textes en NDJSON, pour n'être arrondis par personne. Les instants sont en UTC. Une valeur sans forme
typée (date infinie, avant l'an 1, nulle) est absente des formes typées et entière dans `data/restore`.

**Vérifier** : `bagit.py --validate .`, `frictionless validate data/datapackage.json`, ou `genuka export verify`.

**Recharger** : `genuka export load ARCHIVE --into URL`, ou à la main : `data/restore/schema.sql`, puis chaque
`data/restore/<table>.rows.zst` (`zstd -d`), qui est le format texte de COPY.
""",
    "en": """\
# Complete archive

Made on {day}. All data of a database were read at one instant. Before it was handed over, this archive was loaded
into an empty database: counts and digests of every table, and of every file, were the same.

{tables} tables, {rows} rows, {media} files.

| folder | content |
|---|---|
| `data/csv` | one table a file, for a spreadsheet (UTF-8, gzip); types and keys are in `data/datapackage.json` |
| `data/parquet` | the same rows with their types, for analysis |
| `data/ndjson` | the same rows, one JSON object a line, documents nested |
| `data/restore` | the exact text of the rows ({product}) and the definition of the tables, to load a database |
| `data/media` | the files, each under its SHA-256; `index.ndjson` says which row names them |
| `data/compliance` | what is left out and why, how long data are kept, who receives them, their quality |

**Formulas.** In the CSV an apostrophe stands before every text that begins with `=`, `+`, `-`, `@`, a tab, a return
or an apostrophe, so that no spreadsheet runs what somebody typed. To have the original back, take away the first
character of every text that begins with an apostrophe. The other forms keep texts as they are.

**Empty values.** In CSV nothing at all means absent, and `""` an empty text; the other forms keep them apart too.
Decimals are texts in NDJSON, so that nobody rounds them. Moments are in UTC. A value without a typed form (an infinite
date, one before year 1, a zero date) is absent from the typed forms and whole in `data/restore`.

**Verify**: `bagit.py --validate .`, `frictionless validate data/datapackage.json`, or `genuka export verify`.

**Load**: `genuka export load ARCHIVE --into URL`, or by hand: `data/restore/schema.sql`, then each
`data/restore/<table>.rows.zst` (`zstd -d`), which is the text format of COPY.
""",
}
