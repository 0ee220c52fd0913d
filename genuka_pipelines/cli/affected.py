"""`genuka affected`: which clauses, rules and checks a new text of a policy touches, before it is published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.report.affected import Affected

_LARGEST = 1_000_000


class UnknownPolicy(GenukaError):
    """`--policy` names no policy that the facts declare."""


class UnreadableText(GenukaError):
    """`--text` is not a policy's text."""


@one_sentence
def affected(
    policy: Annotated[str, typer.Option("--policy", metavar="PRODUCT", help="The product whose policy it is.")],
    text: Annotated[Path, typer.Option("--text", metavar="FILE", help="The new text, UTF-8; it is only read.")],
    json: Json = False,
) -> None:
    """List the sentences of a new policy text that differ, and the clauses, keepers and rules they touch."""
    from genuka_pipelines.catalog.load import load_catalog
    from genuka_pipelines.report.affected import affected as compare
    from genuka_pipelines.settings import load_settings

    catalog = load_catalog(load_settings().assets)
    if policy not in catalog.policies:
        raise UnknownPolicy(f"--policy is none of the declared ones: write {' or '.join(catalog.policies)}")
    data = _read(text)
    words = _decoded(data)
    declared = catalog.policies[policy]
    found = compare(catalog, declared, words)
    content: dict[str, Any] = {
        "policy": policy,
        "version": declared.version,
        "same_text": hashlib.sha256(data).hexdigest() == declared.source_sha256,
        **{
            kind: [{"at": d.at, "was": d.was, "clauses": d.clauses} for d in getattr(found, kind)]
            for kind in ("changed", "moved", "new", "gone")
        },
        "clauses": [
            {"id": c.id, "keepers": c.keepers, "categories": c.categories, "rules": c.rules} for c in found.clauses
        ],
        "categories": _once(key for c in found.clauses for key in c.categories),
        "rules": _once(rule for c in found.clauses for rule in c.rules),
        "checks": _kept(found, "check:"),
        "assets": _kept(found, "asset:"),
    }
    show(json, content, lambda: _people(found, words))


def _people(found: Affected, words: str) -> None:
    differences = [
        (said(kind), words.count("\n", 0, d.at[0][0]) + 1 if d.at else None, len(d.at), len(d.was), d.clauses)
        for kind in ("changed", "moved", "new", "gone")
        for d in getattr(found, kind)
    ]
    if not differences:
        say(said("no sentence differs"))
        return
    table(
        "Sentences that differ",
        ("how", "line", "sentences now", "sentences before", "clauses"),
        [(*told, ", ".join(clauses)) for *told, clauses in differences],
    )
    table(
        "Clauses touched",
        ("clause", "kept by", "rules"),
        [(c.id, ", ".join(c.keepers), ", ".join(c.rules)) for c in found.clauses],
    )


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except OSError as error:
        raise UnreadableText(f"--text cannot be read ({error.strerror}): name the file of the new text") from None
    if len(data) > _LARGEST:
        raise UnreadableText(f"--text has more than {_LARGEST} bytes: name the text of one policy")
    return data


def _decoded(data: bytes) -> str:
    """As the sentence map counts characters."""
    try:
        words = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableText(f"--text is not UTF-8 at byte {error.start}: save it as UTF-8") from None
    if not any(map(str.isalnum, words)):
        raise UnreadableText("--text holds no word: name the file of the new text")
    return words


def _kept(found: Affected, kind: str) -> list[str]:
    return _once(keeper.removeprefix(kind) for c in found.clauses for keeper in c.keepers if keeper.startswith(kind))


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
