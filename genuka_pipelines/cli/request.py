"""`genuka request`: what people and tenants ask for, from its arrival to its answer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import AsOf, Json, moment, one_sentence, say, show, table
from genuka_pipelines.cli.fetch import fetch
from genuka_pipelines.cli.recipients import show_recipients, shown, tell, told
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genuka_pipelines.catalog.request import RequestPlan
    from genuka_pipelines.control import Request
    from genuka_pipelines.requests.preview import Preview
    from genuka_pipelines.runtime import Runtime

app = typer.Typer(help="Requests of people and tenants.", no_args_is_help=True)
By = Annotated[str, typer.Option("--by", metavar="ID", help="Your staff id, opaque.")]
Name = Annotated[str, typer.Argument(metavar="REQUEST")]


class NotAnOption(GenukaError):
    """A word is none of a closed list."""


@app.command("open")
@one_sentence
def open_(
    kind: Annotated[str, typer.Option("--kind", help="access, rectification, erasure, portability, objection, "
                                      "restriction, not_kept, tenant_export or tenant_end.")],
    by: By,
    subject: Annotated[list[str] | None, typer.Option(
        "--subject", metavar="WHO", help="E-mail address, +NUMBER or KIND:KEY; may be given again.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="ID", help="The tenant that asks.")] = None,
    channel: Annotated[str, typer.Option("--channel", help="By what it came.")] = "email",
    arrived: Annotated[str | None, typer.Option(
        "--arrived", metavar="DAY", help="The day it came, 2026-11-22; today if left out.")] = None,
    correct: Annotated[list[str] | None, typer.Option(
        "--set", metavar="TABLE.COLUMN=VALUE", help="What is right; may be given again.")] = None,
    waive: Annotated[bool, typer.Option(
        "--waive", help="A tenant that ends does not want the time to fetch its data.")] = False,
    recipient: Annotated[str | None, typer.Option(
        "--recipient", metavar="age1…", help="The age key for which what is handed over is sealed.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Register a request, or find the same one under way."""
    from genuka_pipelines.requests.registering import Asked, register
    from genuka_pipelines.runtime import open_runtime

    asked = Asked(
        kind, channel, by, subject or [], tenant, _day(arrived), _corrections(correct or []), waive, recipient
    )
    with open_runtime() as runtime:
        found = register(runtime, _plan(runtime), asked, now=datetime.now(UTC))
    request = found.request
    text = "request {id} was there before" if found.repeated else "request {id} is registered; answer by {day}"
    show(json, {**_shown(request), "repeated": found.repeated},
         lambda: say(said(text, id=request.id, day=request.due_on)))  # fmt: skip


@app.command("list")
@one_sentence
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False, json: Json = False
) -> None:
    """List the requests that wait for an answer, the most urgent first."""
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        found = [_shown(request) for request in runtime.control.requests.all() if every or not request.ended]

    def people() -> None:
        rows = [[one[name] for name in ("request", "kind", "status", "reason", "due", "tenant")] for one in found]
        table("Requests", ("request", "kind", "status", "reason", "due", "tenant"), rows)

    show(json, {"requests": found}, people)


@app.command("show")
@one_sentence
def show_(name: Name, json: Json = False) -> None:
    """Show where a request stands, and what is next."""
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        request = runtime.control.requests.get(name)
        done = dict((request.result(runtime.keyring) or {}).get("done") or {})
        recipients = runtime.control.recipients.of(name)
    content = {**_shown(request), "next": _next(request), "done": done, "recipients": [*map(shown, recipients)]}

    def people() -> None:
        stands = (name, request.kind, request.status, request.reason, request.due_on, request.tenant, _next(request))
        table("Request", ("request", "kind", "status", "reason", "due", "tenant", "next"), [stands])
        _say_done(done)
        show_recipients(recipients)

    show(json, content, people)


@app.command()
@one_sentence
def identify(
    name: Name,
    how: Annotated[str, typer.Option("--how", help="signed_in, reply_from_address, call_back, document, "
                                     "known_to_tenant or in_person.")],
    by: By,
    json: Json = False,
) -> None:  # fmt: skip
    """Record how somebody made sure who asks."""
    from genuka_pipelines.control.request import IdentityCheck
    from genuka_pipelines.requests.deciding import identify as identified
    from genuka_pipelines.runtime import open_runtime

    _one_of("--how", how, get_args(IdentityCheck))
    with open_runtime() as runtime:
        request = identified(runtime, name, how, by=by, now=datetime.now(UTC))  # type: ignore[arg-type]
    _tell(request, json)


@app.command("preview")
@one_sentence
def preview_(name: Name, as_of: AsOf = None, json: Json = False) -> None:
    """Count what a request would do, and give the digest that an approval names."""
    from genuka_pipelines.requests.deciding import look
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        found = look(runtime, name, as_of=moment(as_of), now=datetime.now(UTC))

    def people() -> None:
        rows = [(one.table, one.due, one.held, one.kept_by_law, one.waiting, one.anonymise) for one in found.lines]
        table("Preview", ("table", "due", "held", "kept by law", "waiting", "anonymise"), rows)
        if found.routed:
            table("For tenants to answer", ("tenant", "rows"), list(found.routed.items()))
        if found.mentions:
            table("Mentions in texts of others", ("column", "rows"), list(found.mentions.items()))
        if found.near:
            near = [(one.kind, one.key, one.why) for one in found.near]
            table("Who may be the same", ("kind", "key", "why"), near)
        say(said("digest {digest}", digest=found.digest))

    show(json, _previewed(found), people)


@app.command()
@one_sentence
def include(
    name: Name,
    who: Annotated[str, typer.Argument(metavar="KIND:KEY", help="As the preview shows who may be the same.")],
    json: Json = False,
) -> None:
    """Count somebody who may be the same as the same, after looking."""
    from genuka_pipelines.catalog.persons import kinds_of
    from genuka_pipelines.requests.deciding import include as included
    from genuka_pipelines.runtime import open_runtime

    kind, _, key = who.partition(":")
    with open_runtime() as runtime:
        _one_of("KIND", kind, sorted(kinds_of(runtime.catalog)))
        request = included(runtime, name, kind, key, now=datetime.now(UTC))
    _tell(request, json)


@app.command()
@one_sentence
def approve(
    name: Name,
    by: By,
    preview: Annotated[
        str | None, typer.Option("--preview", metavar="DIGEST", help="The digest of the preview you looked at.")
    ] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Let a request run as its preview says; the identity check must be recent."""
    from genuka_pipelines.requests.deciding import approve as approved
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        now = datetime.now(UTC)
        request = approved(runtime, _plan(runtime), name, preview, by=by, as_of=moment(as_of), now=now)
    _tell(request, json)


@app.command("run")
@one_sentence
def run_(
    name: Name,
    recipient: Annotated[
        str | None, typer.Option("--recipient", metavar="age1…", help="The age key of whoever is answered.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", metavar="FILE", help="A passphrase told by another channel.")
    ] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Carry out an approved request, or go on with one that was begun."""
    from genuka_pipelines.exports import Recipient, passphrase_in
    from genuka_pipelines.requests.answering import answer
    from genuka_pipelines.runtime import open_runtime

    to = None
    if recipient or passphrase_file:
        to = Recipient(age=recipient, passphrase=passphrase_in(passphrase_file) if passphrase_file else None)
    with open_runtime() as runtime:
        found = answer(
            runtime, _plan(runtime), name, as_of=moment(as_of), clock=lambda: datetime.now(UTC), to=to,
            progress=lambda line: say(f"{line.category} {line.table}: {line.deleted + line.anonymised}"),
        )  # fmt: skip
    content = {**_shown(found.request), "done": dict(found.done)}

    def people() -> None:
        say(said("request {id} is {status}", id=name, status=found.request.status))
        _say_done(found.done)
        if found.done.get("recipients"):
            table("Recipients", ("recipient", "state"), list(found.done["recipients"].items()))

    show(json, content, people)


@app.command()
@one_sentence
def confirm(name: Name, by: By, json: Json = False) -> None:
    """Agree, as a second person, that the keys of a tenant that ends are destroyed after their grace."""
    from genuka_pipelines.requests.deciding import confirm as confirmed
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        request = confirmed(runtime, name, by=by, now=datetime.now(UTC))
    _tell(request, json)


@app.command()
@one_sentence
def refuse(
    name: Name,
    why: Annotated[str, typer.Option("--why", help="The reason that the person is told.")],
    by: By,
    json: Json = False,
) -> None:
    """End a request without doing it."""
    from genuka_pipelines.control.request import RequestReason
    from genuka_pipelines.requests.deciding import refuse as refused
    from genuka_pipelines.runtime import open_runtime

    _one_of("--why", why, get_args(RequestReason))
    with open_runtime() as runtime:
        request = refused(runtime, name, why, by=by, now=datetime.now(UTC))  # type: ignore[arg-type]
    _tell(request, json)


@app.command()
@one_sentence
def extend(
    name: Name, why: Annotated[str, typer.Option("--why", help="complex or many_requests.")], by: By, json: Json = False
) -> None:
    """Answer later, once, by as much as the plan allows."""
    from genuka_pipelines.requests.deciding import Longer
    from genuka_pipelines.requests.deciding import extend as extended
    from genuka_pipelines.runtime import open_runtime

    _one_of("--why", why, get_args(Longer))
    with open_runtime() as runtime:
        request = extended(runtime, _plan(runtime), name, why, by=by, now=datetime.now(UTC))  # type: ignore[arg-type]
    _tell(request, json)


@app.command()
@one_sentence
def intake(json: Json = False) -> None:
    """Take in what support tools wrote into the table `request_intake`."""
    from genuka_pipelines.requests.registering import take_in
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        taken, wrong = take_in(runtime, _plan(runtime), now=datetime.now(UTC))
    show(json, {"taken": taken, "wrong": wrong},
         lambda: say(said("{taken} requests were taken in, {wrong} cannot be", taken=taken, wrong=wrong)))  # fmt: skip


for _apart in (fetch, tell, told):
    app.command()(_apart)


def _plan(runtime: Runtime) -> RequestPlan:
    plans = list(runtime.catalog.requests.values())
    if not plans:
        raise NotAnOption("the facts declare no RequestPlan, so nothing says by when a request is answered; add one")
    return plans[0]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise NotAnOption("--arrived is not a day; write 2026-11-22") from None


def _corrections(given: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for one in given:
        place, sign, value = one.partition("=")
        if not sign:
            raise NotAnOption("--set is TABLE.COLUMN=VALUE; write users.first_name=… with the right value")
        found[place.strip()] = value
    return found


def _one_of(option: str, word: str, known: tuple[str, ...] | list[str]) -> None:
    if word not in known:
        raise NotAnOption(f"{option} is one of {', '.join(known)}; what was given is none of them")


def _tell(request: Request, json: bool) -> None:
    show(json, _shown(request), lambda: say(said("request {id} is {status}", id=request.id, status=request.status)))


def _say_done(done: Mapping[str, Any]) -> None:
    """What became of a request, for people; the numbers alone."""
    if "deleted" in done:
        say(
            said(
                "{deleted} rows deleted, {anonymised} anonymised, {held} held, {survivors} left",
                **{name: done[name] for name in ("deleted", "anonymised", "held", "survivors")},
            )
        )
    if done.get("kept_by_law"):
        rows = [(one["table"], one["rows"], ", ".join(one["basis"]), one["until"]) for one in done["kept_by_law"]]
        table("Kept by law", ("table", "rows", "law", "until"), rows)
    if done.get("routed"):
        table("For tenants to answer", ("tenant", "rows"), list(done["routed"].items()))
    if done.get("last_copies"):
        table("Last copies in backups", ("country", "until"), list(done["last_copies"].items()))
    if "suppressed" in done:
        say(said("{suppressed} addresses suppressed, {marked} refusals dated", **done))
    if "dated" in done:
        say(said("{number} applications say that the person is not to be kept", number=done["dated"]))
    if "corrected" in done:
        say(said("{rows} values corrected", rows=done["corrected"]))
    if "holds" in done:
        say(said("{number} holds placed", number=done["holds"]))


def _next(request: Request) -> str:
    if request.reason == "recipients":
        return "genuka request tell, then told"
    following = {
        "received": "genuka request identify",
        "identified": "genuka request preview, then approve",
        "approved": "genuka request run",
        "running": "genuka request run",
        "failed": "genuka request run",
    }
    return following.get(request.status, "")


def _shown(request: Request) -> dict[str, Any]:
    return {
        "request": request.id,
        "kind": request.kind,
        "channel": request.channel,
        "status": request.status,
        "reason": request.reason,
        "arrived": request.arrived_on,
        "due": request.due_on,
        "extended": request.extended,
        "tenant": request.tenant,
        "identity": request.identity,
        "attempts": request.attempts,
    }


def _previewed(found: Preview) -> dict[str, Any]:
    counts = ("due", "held", "kept_by_law", "waiting", "anonymise")
    return {
        "digest": found.digest,
        "as_of": found.as_of,
        "lines": [
            {"category": one.category, "table": one.table, "database": one.database, "action": one.action,
             **{name: getattr(one, name) for name in counts}}
            for one in found.lines
        ],
        "routed": dict(found.routed),
        "mentions": dict(found.mentions),
        "near": [{"kind": one.kind, "key": one.key, "why": one.why} for one in found.near],
    }  # fmt: skip
