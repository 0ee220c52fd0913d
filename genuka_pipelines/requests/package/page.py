"""The form for people: one page in French and English that opens from a folder, without a network and without a script.

Every value in it was written by somebody else than us: each is escaped, kept apart from the text around it whatever
direction it is written in, and never becomes an address, an attribute or a style.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from genuka_pipelines.backups.calendar import LONGEST
from genuka_pipelines.catalog.value import Words
from genuka_pipelines.requests.package.page_style import STYLE
from genuka_pipelines.requests.package.records import Tally
from genuka_pipelines.requests.package.texts import COLON, LANGUAGES, SEMICOLON, both, count, country, joined, words
from genuka_pipelines.words.moments import say_moment

if TYPE_CHECKING:
    from genuka_pipelines.requests.package.choosing import Chosen
    from genuka_pipelines.requests.package.described import Package
    from genuka_pipelines.requests.package.facts import Place, Recipient, Told
    from genuka_pipelines.requests.package.objects import File
    from genuka_pipelines.requests.package.records import Records

LONGEST_SHOWN = 4_000
"""Characters of one value on the page."""
_CODE, _AS_CODE = re.compile(r"`(\w+)`"), r"<code>\1</code>"
_RIGHTS = ("right_correct", "right_withdraw", "right_complain", "right_automated", "right_ask")


def page(package: Package, records: Records, read: Tally, files: Sequence[File], shown: int) -> Iterator[bytes]:
    """The page as a stream; `read` counts what the data hold, of which each table shows `shown` rows."""
    for part in _parts(package, records, read, files, shown):
        yield part.encode("utf-8", "xmlcharrefreplace")


def _parts(package: Package, records: Records, read: Tally, files: Sequence[File], shown: int) -> Iterator[str]:
    yield _head(package)
    yield _contents(package, read, files)
    for key in package.choice.categories:
        yield from _category(package, key, records, read, shown)
    yield _section("files", words("files"), _files(package, files, read.more)) if files else ""
    yield _section("tenants", words("tenants"), _tenants(package)) if package.tenants else ""
    yield _section("mentions", words("mentions"), _mentions(package)) if package.choice.mentions else ""
    yield _section("besides", words("besides"), _besides(package)) if package.besides else ""
    rights = "".join(f"<li>{_say(words(name))}</li>" for name in _RIGHTS)
    yield _section("rights", words("rights"), f"<ul>{rights}</ul>") + "</main></body></html>\n"


def _head(package: Package) -> str:
    title, controller = words(f"title_{package.kind}"), package.controller
    at = both(partial(say_moment, package.as_of.replace(microsecond=0)))
    choices = "".join(
        f'<input type="radio" name="language" id="{lang}"{" checked" if lang == package.language else ""}>'
        f'<label for="{lang}" lang="{lang}">{"Français" if lang == "fr" else "English"}</label>'
        for lang in LANGUAGES
    )
    said = [_say(words("as_of", at=at)), _say(words("request", id=package.request))]
    if package.searched:
        addresses = ", ".join(f'<bdi class="value">{escape(one)}</bdi>' for one in package.searched)
        said.append(f"{_say(words('about'))} {addresses}")
    return (
        f'<!doctype html><html lang="{package.language}"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title(package.language))} · {escape(controller)}</title><style>{STYLE}</style></head><body>"
        f'{choices}<main><header><p class="from">{escape(controller)}</p><h1>{_say(title)}</h1>'
        f'<p class="lead">{_say(words(f"intro_{package.kind}", controller=controller))}</p>'
        f'<p class="soft">{" · ".join(said)}</p></header>'
    )


def _contents(package: Package, read: Tally, files: Sequence[File]) -> str:
    if not package.choice.rows:
        return f"<p>{_say(words('nothing', controller=package.controller))}</p>"
    lines: list[tuple[str, Words, Words | None]] = [
        (_anchor(key), package.told[key].title, count(sum(read.rows[one] for one in package.choice.of(key))))
        for key in package.choice.categories
    ]
    lines += [(name, words(name), None) for name, there in (
        ("files", files), ("tenants", package.tenants), ("mentions", package.choice.mentions),
        ("besides", package.besides), ("rights", True)
    ) if there]  # fmt: skip
    listed = "".join(
        f'<li><a href="#{name}">{_say(title)}</a>{f" <small>{_say(number)}</small>" if number else ""}</li>'
        for name, title, number in lines
    )
    return f'<nav><h2>{_say(words("contents"))}</h2><ul>{listed}</ul><p class="soft">{_say(words("blank"))}</p></nav>'


def _category(package: Package, key: str, records: Records, read: Tally, shown: int) -> Iterator[str]:
    told = package.told[key]
    description = f"<p>{_say(told.description)}</p>" if told.description else ""
    yield f'<section id="{_anchor(key)}"><h2>{_say(told.title)}</h2>{description}{_facts(package, told)}'
    for one in package.choice.of(key):
        yield from _table(package, one, records, read, shown)
    yield "</section>"


def _facts(package: Package, told: Told) -> str:
    basis = joined([words(f"basis_{one}") for one in told.legal_basis])
    law = joined([Words(fr=one, en=one) for one in told.law], SEMICOLON)
    facts = [
        (words("purposes"), _list(told.purposes)),
        (words("legal_basis"), _list([basis, law])),
        (words("source"), _say(words(f"source_{told.source}", controller=package.controller))),
        (words("held_in"), _list(map(_place, told.places))),
        (words("copies", days=LONGEST.days), _list(map(_place, told.copies))),
    ]
    said = "".join(f"<div><dt>{_say(what)}</dt><dd>{value}</dd></div>" for what, value in facts if value)
    received = _list(map(_recipient, told.recipients))
    said += f'<div class="wide"><dt>{_say(words("recipients"))}</dt><dd>{received}</dd></div>' if received else ""
    return f'<dl class="facts">{said}</dl>'


def _table(package: Package, one: Chosen, records: Records, read: Tally, shown: int) -> Iterator[str]:
    rows = read.rows[one]
    database = one.spot.database
    own = f" {_say(words('own_database', tenant=database))}" if database else ""
    yield (
        f"<h3><code>{escape(one.spot.table)}</code>{own} <small>{_say(count(rows))}</small></h3>"
        f"<details open><summary>{_say(words('how_long'))}</summary>{_list(package.how_long[one])}</details>"
    )
    if one.secret:
        yield f'<p class="soft">{_say(words("secret", columns=", ".join(one.secret)))}</p>'
    if another := read.another.get(one):
        said = words("of_another", rows=count(max(another.values())), columns=", ".join(sorted(another)))
        yield f'<p class="soft">{_say(said)}</p>'
    yield '<div class="rows">'
    for row in records.read(one, Tally(), shown):
        yield _row(one, row)
    yield "</div>"
    if rows > shown:
        yield f'<p class="soft">{_say(words("shown", shown=shown, n=rows))}</p>'


def _row(one: Chosen, row: dict[str, Any]) -> str:
    declared = one.table.table.columns
    fields = "".join(
        f'<div><dt title="{escape(declared[name].holds)}">{escape(name.replace("_", " "))}</dt>'
        f"<dd>{_value(value, one.kind(name))}</dd></div>"
        for name, value in row.items()
        if value not in (None, "", [], {})
    )
    return f"<article><dl>{fields}</dl></article>"


def _value(value: Any, kind: str) -> str:
    if isinstance(value, bool):
        return _say(words("yes" if value else "no"))
    if kind == "timestamp":
        value = str(value).replace("T", " ").replace("+00:00", " UTC")
    nested = isinstance(value, dict | list)
    text = json.dumps(value, ensure_ascii=False, indent=2) if nested else str(value)
    more = f" {_say(words('cut'))}" if len(text) > LONGEST_SHOWN else ""
    tag = "pre" if nested else "span"
    return f'<{tag} class="value" dir="auto"><bdi>{escape(text[:LONGEST_SHOWN])}</bdi></{tag}>{more}'


def _files(package: Package, files: Sequence[File], more: int) -> str:
    lines = "".join(f"<li>{_file(package, one)}</li>" for one in files)
    rest = f"<p>{_say(words('file_more', n=more))}</p>" if more else ""
    return f"<ul>{lines}</ul>{rest}"


def _file(package: Package, file: File) -> str:
    system, at = package.systems[file.of.system]
    said = words(f"file_{file.fate}", size=file.size, system=system, country=country(at))
    name = f'<bdi class="value">{escape(file.name)}</bdi>'
    linked = f'<a href="{escape(file.path)}">{name}</a>' if file.path else name
    return f'{linked} <span class="soft"><code>{escape(file.of.table)}</code>: {_say(said)}</span>'


def _tenants(package: Package) -> str:
    rows = [(f"<bdi>{escape(name or tenant)}</bdi>", str(number)) for tenant, name, number in package.tenants]
    said = words("tenants_said", controller=package.controller)
    return f"<p>{_say(said)}</p>{_grid([words('tenant'), words('number')], rows)}"


def _mentions(package: Package) -> str:
    rows = [
        (f"<code>{escape(spot.table)}.{escape(column)}</code>", str(number))
        for spot, found in package.choice.mentions.items()
        for column, number in sorted(found.items())
    ]
    return f"<p>{_say(words('mentions_said'))}</p>{_grid([words('place'), words('number')], rows)}"


def _besides(package: Package) -> str:
    return "".join(
        f"<h3>{_say(one.title)}</h3>{f'<p>{_say(one.description)}</p>' if one.description else ''}{_list(one.how_long)}"
        for one in package.besides
    )


def _place(place: Place) -> Words:
    parts = [place.title, joined([country(place.country), words(f"by_{place.proof}")])]
    return joined(parts, COLON)


def _recipient(one: Recipient) -> Words:
    said = [words(f"role_{one.role}"), *map(country, one.countries), joined(one.purposes, SEMICOLON)]
    return joined([one.title, joined(said)], COLON)


def _section(name: str, title: Words, inside: str) -> str:
    return f'<section id="{name}"><h2>{_say(title)}</h2>{inside}</section>'


def _grid(heads: Sequence[Words], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are markup of ours already."""
    head = "".join(f'<th scope="col">{_say(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _list(said: Iterable[Words]) -> str:
    lines = "".join(f"<li>{_say(one)}</li>" for one in said)
    return f"<ul>{lines}</ul>" if lines else ""


def _say(said: Words) -> str:
    """A text in both languages, of which the page shows one."""
    return " ".join(f'<span lang="{lang}">{_CODE.sub(_AS_CODE, escape(said(lang)))}</span>' for lang in LANGUAGES)


def _anchor(key: str) -> str:
    return escape(key.replace("/", "-"))
