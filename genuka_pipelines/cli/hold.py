"""`genuka hold`: what nothing may destroy for now, why, and until when."""

from __future__ import annotations

import csv
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import Json, moment_of, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.control import Scope, StoredHold

app = typer.Typer(help="Holds: what nothing may destroy for now.", no_args_is_help=True)
Author = Annotated[str, typer.Option("--by", metavar="ID", help="Your staff id, opaque.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="MOMENT", help="When it ends by itself; never if left out.")
]


_LISTED = 15
EXPIRED = "expired"


class UnclearHold(GenukaError):
    """The command does not say whom or what to hold, or why."""


@app.command()
@one_sentence
def add(
    reason: Annotated[str, typer.Option("--reason", metavar="WORD", help="Why: a word of a closed list.")],
    reference: Annotated[str, typer.Option("--reference", metavar="CASE", help="The opaque name of the case.")],
    by: Author,
    row: Annotated[
        str | None, typer.Option("--row", metavar="TABLE:KEY", help="One row; `a,b` for two columns.")
    ] = None,
    system: Annotated[str | None, typer.Option("--system", help="Its system; all that have such a table.")] = None,
    subject: Annotated[
        list[str] | None, typer.Option("--subject", metavar="KIND:KEY", help="One person; may be given again.")
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="ID", help="One tenant.")] = None,
    category: Annotated[str | None, typer.Option("--category", metavar="KEY", help="A whole category.")] = None,
    kind: Annotated[str, typer.Option("--kind", help="hold, restriction, dispute or security.")] = "hold",
    until: Until = None,
    json: Json = False,
) -> None:
    """Place a hold; once this returns, no sweep destroys what it binds."""
    from genuka_pipelines.control.bodies import HoldKind
    from genuka_pipelines.control.hold import Reason
    from genuka_pipelines.runtime import open_runtime

    _one_of("--kind", kind, get_args(HoldKind))
    _one_of("--reason", reason, get_args(Reason))
    with open_runtime() as runtime:
        placed = runtime.control.holds.add(
            _scope(runtime.catalog, row, system, subject or [], tenant, category),
            kind=kind,  # type: ignore[arg-type]
            reason=reason,  # type: ignore[arg-type]
            reference=reference,
            author=by,
            now=datetime.now(UTC),
            keys=runtime.keyring,
            expires_at=moment_of("--until", until),
        )
    show(json, {"hold": placed.id}, lambda: say(said("hold {id} is placed", id=placed.id)))


@app.command("list")
@one_sentence
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that were released.")] = False, json: Json = False
) -> None:
    """List the holds that bind, and those that expired and must be released or renewed."""
    from genuka_pipelines.runtime import open_runtime

    now = datetime.now(UTC)
    with open_runtime() as runtime:
        holds = runtime.control.holds.all()
    listed = [_shown(hold, now) for hold in holds if every or hold.released_at is None]

    def people() -> None:
        rows = [
            (h["hold"], _said(h["state"]), h["kind"], h["scope"], h["reason"], h["reference"], h["expires"])
            for h in listed
        ]
        table("Holds", ("hold", "state", "kind", "binds", "reason", "case", "expires"), rows)

    show(json, {"holds": listed}, people)


@app.command()
@one_sentence
def release(hold: Annotated[str, typer.Argument(metavar="ID")], by: Author, json: Json = False) -> None:
    """End a hold; periods ran on meanwhile, so the next sweep takes what is due."""
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        runtime.control.holds.release(hold, by=by, now=datetime.now(UTC))
    show(json, {"hold": hold}, lambda: say(said("hold {id} is released", id=hold)))


@app.command()
@one_sentence
def renew(
    hold: Annotated[str, typer.Argument(metavar="ID")], by: Author, until: Until = None, json: Json = False
) -> None:
    """Give a hold another end; one that expired binds again."""
    from genuka_pipelines.runtime import open_runtime

    end = moment_of("--until", until)
    with open_runtime() as runtime:
        runtime.control.holds.renew(hold, expires_at=end, by=by, now=datetime.now(UTC))
    show(json, {"hold": hold, "expires": end}, lambda: say(said("hold {id} is renewed", id=hold)))


def _scope(
    catalog: Catalog, row: str | None, system: str | None, subject: list[str], tenant: str | None, category: str | None
) -> Scope:
    from genuka_pipelines.control import CategoryScope, SubjectScope, TenantScope

    given = [
        name
        for name, value in (("row", row), ("subject", subject), ("tenant", tenant), ("category", category))
        if value
    ]
    if len(given) != 1:
        raise UnclearHold(
            "a hold binds one thing: give --row TABLE:KEY, --subject KIND:KEY, --tenant ID or --category KEY"
        )
    if row:
        return _row(catalog, row, system)
    if tenant:
        return TenantScope(tenant)
    if category:
        _one_of("--category", category, list(catalog.categories))
        return CategoryScope(category)
    keys: dict[str, list[str]] = {}
    for one in subject:
        kind, _, key = one.partition(":")
        _one_of("--subject", kind, sorted(catalog.vocabulary.subjects))
        keys.setdefault(kind, []).append(key)
    return SubjectScope({kind: tuple(values) for kind, values in keys.items()})


def _row(catalog: Catalog, row: str, system: str | None) -> Scope:
    from genuka_pipelines.control import RowScope

    if system is not None:
        _one_of("--system", system, sorted({category.system for category in catalog.categories.values()}))
    name, _, text = row.partition(":")
    keys = {table.key for _, declared, table in catalog.tables(system) if declared == name}
    _one_of("the table of --row", name, [name] if keys else sorted({one for _, one, _ in catalog.tables(system)}))
    parts = tuple(next(csv.reader([text]), [])) if all(len(key) > 1 for key in keys) else (text,)
    if not any(len(key) == len(parts) for key in keys):
        raise UnclearHold(f"the key of '{name}' has other parts; give {' or '.join(','.join(key) for key in keys)}")
    return RowScope(name, parts, system or "")


def _one_of(option: str, word: str, known: Collection[str]) -> None:
    """Refuse another word without repeating it: whoever forgets the colon has written a key there."""
    if word not in known:
        listed = ", ".join(known) if len(known) <= _LISTED else "a name that `genuka catalog` lists"
        raise UnclearHold(
            f"{option} is not one that is known here; it is {'one of ' * (len(known) <= _LISTED)}{listed}"
        )


def _said(state: str) -> str:
    states = {"binds": said("in force"), "released": said("released"), EXPIRED: said("expired: release or renew it")}
    return states[state]


def _shown(hold: StoredHold, now: datetime) -> dict[str, Any]:
    expired = hold.expires_at is not None and hold.expires_at <= now
    state = "released" if hold.released_at else EXPIRED if expired else "binds"
    return {
        "hold": hold.id,
        "state": state,
        "kind": hold.kind,
        "scope": hold.scope.kind + (f" {hold.scope.target}" if hold.scope.target else ""),
        "reason": hold.reason,
        "reference": hold.reference,
        "by": hold.author,
        "placed": hold.placed_at,
        "expires": hold.expires_at,
    }
