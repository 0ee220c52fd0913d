"""`genuka retention`: what is due, the sweep that destroys it, and why a row is still there."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import AsOf, Json, moment, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.retention.dedicated import Step
    from genuka_pipelines.retention.sweeping import Sweep
    from genuka_pipelines.rows.destroying import Line

app = typer.Typer(help="What is due, the sweep that destroys it, and why a row is still there.", no_args_is_help=True)
Categories = Annotated[
    list[str] | None, typer.Option("--category", metavar="KEY", help="Only this category; may be given again.")
]


class UnclearTable(GenukaError):
    """The command does not say of which system the row is."""


class UnclearPace(GenukaError):
    """The command asks for two things at once."""


@app.command()
@one_sentence
def plan(as_of: AsOf = None, category: Categories = None, json: Json = False) -> None:
    """Count what a sweep would destroy, what a hold or the law keeps, and which databases end."""
    from genuka_pipelines.retention.sweeping import plan_sweep
    from genuka_pipelines.runtime import open_runtime

    then = moment(as_of)
    with open_runtime() as runtime:
        found = plan_sweep(runtime, as_of=then, now=datetime.now(UTC), categories=category)
    rules = _rules(found, "due", "held", "kept_by_law", "oldest")

    def people() -> None:
        rows = [(*_named(r), *(_number(r[n]) for n in ("due", "held", "kept_by_law"))) for r in rules]
        busy = [row for row in rows if row[3:] != (0, 0, 0)]
        table("Due", ("table", "rule", "clause", "due", "held", "kept by law"), busy)
        say(said("{count} rules have nothing due", count=len(rows) - len(busy)))
        _databases(found)

    show(json, {"as_of": then, "rules": rules, "databases": _ended(found)}, people)


@app.command()
@one_sentence
def sweep(
    as_of: AsOf = None,
    category: Categories = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Destroy at most so many rows.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Take at most so long.")] = None,
    json: Json = False,
) -> None:
    """Really destroy what is due; exit 1 where something is left that nothing keeps."""
    from genuka_pipelines.retention.sweeping import sweep_due
    from genuka_pipelines.rows.destroying import Limits
    from genuka_pipelines.runtime import open_runtime

    then = moment(as_of)
    with open_runtime() as runtime:
        found = sweep_due(
            runtime,
            as_of=then,
            clock=lambda: datetime.now(UTC),
            categories=category,
            limits=Limits(rows=rows, seconds=None if minutes is None else minutes * 60),
            progress=None if json else _told,
        )
    rules = _rules(found, "deleted", "anonymised", "survivors", "held", "kept_by_law", "by_hand")

    def people() -> None:
        numbers = ("deleted", "anonymised", "held", "kept_by_law", "by_hand", "survivors")
        acted = [(*_named(r), *(_number(r[n]) for n in numbers)) for r in rules]
        busy = [row for row in acted if any(row[3:])]
        columns = ("table", "rule", "clause", "deleted", "anonymised", "held", "kept by law", "by hand", "survivors")
        table("Swept", columns, busy)
        _databases(found)

    show(json, {"as_of": then, "rules": rules, "databases": _ended(found)}, people)
    found.refuse_survivors()


@app.command()
@one_sentence
def explain(
    table_: Annotated[str, typer.Option("--table", metavar="TABLE", help="The table of the row.")],
    id_: Annotated[str, typer.Option("--id", metavar="KEY", help="Its key; `a,b` for a key of two columns.")],
    system: Annotated[
        str | None, typer.Option("--system", help="Its system, where several declare such a table.")
    ] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say why a row is kept, until when, and which clause decides."""
    from genuka_pipelines.rows.explaining import explain, explained
    from genuka_pipelines.rows.holding import holds_now
    from genuka_pipelines.runtime import open_runtime
    from genuka_pipelines.settings import language_of

    now = datetime.now(UTC)
    with open_runtime() as runtime:
        where = system or _system_of(runtime.catalog, table_)
        holds = holds_now(runtime, where, now)
        found = explain(runtime, where, table_, id_, moment(as_of), holds)
    rows = [
        {
            "tenant_database": row.tenant is not None,
            "due": row.verdict.due,
            "end": row.verdict.end,
            "decided_by": row.verdict.decided_by,
        }
        for row in found.found
    ]
    content = {
        "table": found.table,
        "category": found.category,
        "as_of": found.as_of,
        "rows": rows,
        "said": {"fr": explained(found, "fr"), "en": explained(found, "en")},
    }
    show(json, content, lambda: typer.echo("\n".join(explained(found, language_of()))))


@app.command()
@one_sentence
def pace(
    pause: Annotated[bool, typer.Option("--pause", help="Let a sweep wait, even in the middle.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Let it go on.")] = False,
    rows_per_second: Annotated[
        int | None, typer.Option("--rows-per-second", min=0, help="At most so many; 0 lifts the bound.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", min=0, help="Rows in one transaction; 0: as it sees fit.")
    ] = None,
    max_lag: Annotated[
        float | None, typer.Option("--max-lag", min=0, help="Seconds a replica may be behind; 0 lifts the bound.")
    ] = None,
    json: Json = False,
) -> None:
    """Show how fast sweeps may destroy, or change it; one that is running obeys within a batch."""
    from genuka_pipelines.runtime import open_runtime

    if pause and resume:
        raise UnclearPace("--pause and --resume are opposites; give one of them")
    given = {"rows_per_second": rows_per_second, "batch_rows": batch, "max_lag_seconds": max_lag}
    changes: dict[str, Any] = {name: bound or None for name, bound in given.items() if bound is not None}
    if pause or resume:
        changes["paused"] = pause
    with open_runtime() as runtime:
        holds = runtime.control.pace.set(**changes) if changes else runtime.control.pace.read()
    content = {
        "paused": holds.paused,
        "rows_per_second": holds.rows_per_second,
        "batch": holds.batch_rows,
        "max_lag": holds.max_lag_seconds,
    }

    def people() -> None:
        state = said("paused") if holds.paused else said("going")
        table(
            "Pace", ("state", "rows a second", "rows a batch", "seconds behind"), [(state, *list(content.values())[1:])]
        )

    show(json, content, people)


@app.command()
@one_sentence
def notices(
    sent: Annotated[
        list[str] | None, typer.Option("--sent", metavar="ID", help="This one was sent; repeatable.")
    ] = None,
    json: Json = False,
) -> None:
    """List the notices that wait for the mailer, or confirm those it sent; until then nothing announced goes."""
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        for notice in dict.fromkeys(sent or ()):
            runtime.control.notices.sent(notice, now=datetime.now(UTC))
        waiting = runtime.control.notices.waiting()
    content = [
        {"notice": n.id, "rule": n.rule, "tenant": n.subject, "days": n.days, "due": n.due_at, "issued": n.issued_at}
        for n in waiting
    ]

    def people() -> None:
        rows = [(n["notice"], n["rule"], n["tenant"], n["days"], n["due"]) for n in content]
        table("Notices that wait", ("notice", "rule", "tenant", "days", "due"), rows)

    show(json, {"notices": content, "sent": list(dict.fromkeys(sent or ()))}, people)


def _system_of(catalog: Catalog, name: str) -> str:
    """The system that declares a table; one sentence where none or several do."""
    found = {catalog.categories[key].system for key, declared, _ in catalog.tables() if declared == name}
    if len(found) == 1:
        return found.pop()
    if found:
        raise UnclearTable(f"several systems have a table '{name}': give --system, one of {', '.join(sorted(found))}")
    near = difflib.get_close_matches(name, {declared for _, declared, _ in catalog.tables()}, 1)
    raise UnclearTable("no such table is declared" + (f"; did you mean {near[0]}?" if near else ""))


def _rules(found: Sweep, *numbers: str) -> list[dict[str, Any]]:
    """The lines added up by rule over every database; with the reasons, where a number is unknown."""
    from genuka_pipelines.retention.sums import by_rule, sums

    return [
        {
            "rule": rule,
            "clause": clause,
            **{name: getattr(added, name) for name in numbers},
            **({"unknown": list(dict.fromkeys(added.unknown))} if added.unknown else {}),
        }
        for (rule, clause), added in sums((*found.planned, *found.lines), by_rule).items()
    ]


def _told(line: Line) -> None:
    if line.deleted or line.anonymised:
        say(f"{line.category} {line.table}.{line.rule}: {line.deleted + line.anonymised}")


def _ended(found: Sweep) -> list[dict[str, Any]]:
    return [
        {
            "rule": ".".join(filter(None, (e.category, e.table, e.rule))),
            "clause": e.clause,
            "step": e.step,
            "end": e.end,
            **({"notice": e.notice} if e.notice else {}),
            **({"unknown": e.unknown} if e.unknown else {}),
        }
        for e in found.databases
        if e.step != "not due"
    ]


def _databases(found: Sweep) -> None:
    rows = [(*_named(e), _step(e["step"]), e["end"] and e["end"].date()) for e in _ended(found)]
    if rows:
        table("Dedicated databases that end", ("table", "rule", "clause", "step", "end"), rows)


def _step(step: str) -> str:
    steps: dict[Step, str] = {
        "not due": said("not due"),
        "announced": said("announced"),
        "held": said("held"),
        "kept by law": said("kept by law"),
        "waits for its notice": said("waits for its notice"),
        "waits for a final backup": said("waits for a final backup"),
        "used since": said("used since"),
        "due": said("due"),
        "emptied in part": said("emptied in part"),
        "dropped": said("dropped"),
        "unknown": said("unknown"),
    }
    return steps[cast("Step", step)]


def _named(rule: dict[str, Any]) -> tuple[str, str, str | None]:
    """The table, the rule and its clause, without the category that `--json` gives."""
    _, _, named = rule["rule"].partition(".")
    name, _, word = named.partition(".")
    return name, word, rule["clause"]


def _number(number: int | None) -> int | str:
    return said("unknown") if number is None else number
