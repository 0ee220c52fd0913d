"""The dictionary: one page in each language on every table, its columns, its caveats and its charts.

It opens from a folder without a network, in a screen reader as on a screen, and loads nothing from
elsewhere: whoever reads about protected figures is not to be watched while doing so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from genuka_pipelines.analytics.publishing.charts import figure
from genuka_pipelines.analytics.publishing.columns import Column, cells_columns, wide_columns
from genuka_pipelines.analytics.publishing.entry import Entry
from genuka_pipelines.analytics.publishing.pictures import Picture, pictures
from genuka_pipelines.catalog.value import Language
from genuka_pipelines.words.moments import say_moment

FILES: dict[Language, str] = {"en": "dictionary.html", "fr": "dictionnaire.html"}
_SAID: dict[str, dict[Language, str]] = {
    "title": {"fr": "Dictionnaire des tables anonymes", "en": "Dictionary of the anonymised tables"},
    "made": {"fr": "Fait le {moment}.", "en": "Made on {moment}."},
    "other": {"fr": "In English", "en": "En français"},
    "intro": {
        "fr": "Chaque valeur porte un bruit voulu, qui protège les personnes. L'intervalle à 95 % dit combien : la "
        "valeur sans bruit s'y trouve dix-neuf fois sur vingt. Deux valeurs dont les intervalles se recouvrent "
        "ne se laissent pas départager.",
        "en": "Every value bears noise on purpose, which protects people. The 95 % interval says how much: the value "
        "without noise lies in it nineteen times out of twenty. Two values whose intervals overlap cannot be told "
        "apart.",
    },
    "tables": {"fr": "Tables", "en": "Tables"},
    "none": {"fr": "Aucune table n'est déclarée.", "en": "No table is declared."},
    "empty": {"fr": "Rien n'est encore publié.", "en": "Nothing is released yet."},
    "released": {
        "fr": "Publications : {count}, de {first} à {last}.",
        "en": "Releases: {count}, from {first} to {last}.",
    },
    "missing": {"fr": "Il manque : {periods}.", "en": "Missing: {periods}."},
    "earlier": {
        "fr": "Publications d'une définition antérieure, d'autre forme : {names}.",
        "en": "Releases of an earlier definition, of another shape: {names}.",
    },
    "caveats": {"fr": "À savoir", "en": "What to know"},
    "columns": {"fr": "Colonnes", "en": "Columns"},
    "cells": {"fr": "Valeurs sans biais : {name}", "en": "Unbiased values: {name}"},
    "column": {"fr": "colonne", "en": "column"},
    "type": {"fr": "type", "en": "type"},
    "means": {"fr": "sens", "en": "meaning"},
    "figures": {"fr": "Les valeurs de ce graphique", "en": "The values of this chart"},
    "cell": {"fr": "cellule ou période", "en": "cell or period"},
    "value": {"fr": "valeur", "en": "value"},
    "low": {"fr": "bas", "en": "low"},
    "high": {"fr": "haut", "en": "high"},
}
_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--bar:#3b7dd8;--page:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--line:#3d444d;--bar:#4d94f0;--page:#0d1117}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;
margin:0 auto;padding:1rem}
a{color:inherit}code{font-family:ui-monospace,monospace}section{border-top:1px solid var(--line);margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;
border-bottom:1px solid var(--line)}.scroll{overflow-x:auto}.soft{color:var(--soft)}figure{margin:1rem 0}
svg{width:100%;height:auto}svg text{font:13px system-ui,sans-serif;fill:var(--ink)}svg rect{fill:var(--bar);opacity:.75}
svg circle{fill:var(--bar)}svg polyline{fill:none;stroke:var(--bar);opacity:.6}svg .interval{stroke:var(--ink);
stroke-width:1.5;fill:none}svg .axis{stroke:var(--line)}
"""


def dictionary(file: Path, entries: Sequence[Entry], language: Language, now: datetime) -> str:
    """The page in one language, on the catalogue in `file`."""
    other: Language = "en" if language == "fr" else "fr"
    links = "".join(
        f'<li><a href="#{one.name}"><code>{one.name}</code></a> {escape(one.table.title(language))}</li>'
        for one in entries
    )
    contents = f"<ul>{links}</ul>" if entries else f"<p>{_say('none', language)}</p>"
    sections = "".join(_section(file, one, language) for one in entries)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_say('title', language)}</title><style>{_STYLE}</style></head><body><header>"
        f"<h1>{_say('title', language)}</h1><p>{_say('intro', language)}</p>"
        f'<p class="soft">{_say("made", language, moment=say_moment(now.replace(microsecond=0), language))} '
        f'<a href="{FILES[other]}" hreflang="{other}" lang="{other}">{_say("other", language)}</a></p></header>'
        f'<nav aria-label="{_say("tables", language)}">{contents}</nav><main>{sections}</main></body></html>\n'
    )


def _section(file: Path, entry: Entry, language: Language) -> str:
    periods = [manifest.period for manifest in entry.manifests]
    said = [_say("empty", language)]
    if periods:
        said = [_say("released", language, count=len(periods), first=periods[0], last=periods[-1])]
    if entry.missing:
        said.append(f"<strong>{_say('missing', language, periods=', '.join(entry.missing))}</strong>")
    if entry.earlier:
        said.append(_say("earlier", language, names=", ".join(f"<code>{name}</code>" for name in entry.earlier)))
    caveats = "".join(f"<li>{escape(one)}</li>" for one in entry.caveats(language))
    cells = _say("cells", language, name=f"<code>{entry.name}_cells</code>")
    return (
        f'<section id="{entry.name}" aria-labelledby="{entry.name}-title"><h2 id="{entry.name}-title">'
        f"{escape(entry.table.title(language))} <code>{entry.name}</code></h2>"
        f"<p>{escape(entry.table.question(language))}</p><p>{' '.join(said)}</p>"
        f"{''.join(_figure(one, language) for one in pictures(file, entry, language))}"
        f"<h3>{_say('caveats', language)}</h3><ul>{caveats}</ul>"
        f"<h3>{_say('columns', language)}</h3>{_columns(wide_columns(entry.table), language)}"
        f"<details><summary>{cells}</summary>{_columns(cells_columns(entry.table), language)}</details></section>"
    )


def _figure(picture: Picture, language: Language) -> str:
    rows = ((point.label, *map(figure, (point.value, point.low, point.high))) for point in picture.points)
    data = _table([_say(name, language) for name in ("cell", "value", "low", "high")], rows)
    return (
        f"<figure>{picture.svg}<figcaption>{escape(picture.title)}</figcaption>"
        f"<details><summary>{_say('figures', language)}</summary>{data}</details></figure>"
    )


def _columns(columns: Sequence[Column], language: Language) -> str:
    rows = ((column.name, column.type, column.says(language)) for column in columns)
    return _table([_say(name, language) for name in ("column", "type", "means")], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _say(key: str, language: Language, **values: object) -> str:
    """The text, with values that are markup of ours already."""
    return _SAID[key][language].format(**values)
