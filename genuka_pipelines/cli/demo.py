"""`genuka seed` and `genuka demo`: a synthetic Genuka, and the whole house run on it once."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import typer

from genuka_pipelines.catalog.published import Every
from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.cli.answer import AsOf, Json, moment, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said
from genuka_pipelines.settings import home_of, load_settings, wanted_parts

Companies = Annotated[int, typer.Option(min=1, max=100_000, help="How many tenants.")]
Days = Annotated[int, typer.Option(min=1, max=365, help="How many days of activity.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same data.")]
Plant = Annotated[bool, typer.Option("--plant", help="Add forbidden values in known places.")]
JOBS = (
    "inspect",
    "backup_replication",
    "retention_sweep",
    "staging",
    "analytics_aggregation_monthly",
    "analytics_aggregation_daily",
    "restore_drill",
    "anchor",
)
OF_A_NIGHT = ("backup_replication", "restore_drill")
"""The jobs that are about one night, tonight's: backups live by the wall clock."""
OF_A_PERIOD: dict[str, Every] = {"analytics_aggregation_monthly": "month", "analytics_aggregation_daily": "day"}
"""The jobs that are about a period, the last that every table of its rhythm is complete for."""


@one_sentence
def seed(
    companies: Companies = 120,
    days: Days = 45,
    seed: Seed = 1,
    plant: Plant = False,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Fill empty databases (or our own earlier demo) with a synthetic Genuka and Genletter."""
    from genuka_pipelines.demo.filling import fill

    made = fill(
        load_settings(), companies=companies, days=days, seed=seed, as_of=moment(as_of), plant=plant, progress=say
    )
    content: dict[str, Any] = {"rows": made.rows, "tables": dict(made.tables)}
    if plant:
        content["planted"] = [{"table": p.table, "column": p.column, "kind": p.kind} for p in made.planted]
    show(json, content, lambda: table("Seeded", ("table", "rows"), sorted(made.tables.items())))


@one_sentence
def demo(
    companies: Companies = 120,
    days: Days = 45,
    seed: Seed = 1,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Set up, seed, answer, check, back up, plan a sweep, stage, publish, drill, anchor by real runs; again is fine."""
    from genuka_pipelines.analytics.releases.once import releases
    from genuka_pipelines.backups.regions import nights
    from genuka_pipelines.backups.regions.opened import regions_of
    from genuka_pipelines.control import Restored, Staging
    from genuka_pipelines.control.switches import RETENTION_SWEEP
    from genuka_pipelines.demo.asking import SENSORS, ask
    from genuka_pipelines.demo.embedded import up
    from genuka_pipelines.demo.filling import fill
    from genuka_pipelines.demo.runs import running
    from genuka_pipelines.report.status import clause_states, evidence
    from genuka_pipelines.runtime import open_runtime, prepare

    began, now = time.monotonic(), moment(as_of)
    say(said("1/13 starting PostgreSQL, stores and keys …"))
    stack = up(home_of(), wanted=wanted_parts())
    settings = load_settings()
    prepare(settings, started=stack.started, now=datetime.now(UTC))
    filling = "2/13 filling a synthetic Genuka and Genletter ({companies} companies, {days} days) …"
    say(said(filling, companies=companies, days=days))
    made = fill(settings, companies=companies, days=days, seed=seed, as_of=now, plant=False, progress=_progress)
    runs, settings = {}, load_settings()  # once more: databases of tenants were made
    say(said("3/13 people and a tenant ask …"))
    with open_runtime(settings) as runtime:
        asked = ask(runtime, as_of=now, now=datetime.now(UTC))
    with running(settings.home, as_of=now) as runner:
        for number, (sensor, job) in enumerate(SENSORS.items(), 4):
            say(said("{number}/13 Dagster sensor {sensor} …", number=number, sensor=sensor))
            runs[job] = runner.tick(sensor, job, partial(_steps, job))
        for number, job in enumerate(JOBS, 6):
            say(said("{number}/13 Dagster job {job} …", number=number, job=job))
            runs[job] = runner.job(job, partial(_steps, job), _partition(job, now))
    with open_runtime(settings) as runtime:
        released = {name: [one.slot.period for one in releases(runtime, name)] for name in runtime.catalog.published}
        states = clause_states(runtime.catalog, evidence(runtime.control, datetime.now(UTC)))
        head = runtime.control.ledger.head().seq
        switched_on = runtime.control.switches.on(RETENTION_SWEEP)
        answered = [runtime.control.requests.get(name).status for name in asked]
        restored = list(runtime.control.ledger.latest(Restored))
        staged = len(runtime.control.ledger.latest(Staging))
        copied = [
            {"backup": header.backup, "owners": len(header.owners)}
            for plan in runtime.catalog.backups.values()
            for region in regions_of(runtime, plan).values()
            for header in [nights.newest(region, verify=runtime.keyring.verify, now=datetime.now(UTC))]
            if header is not None
        ]
        answers = [entry.body for entry in runtime.control.ledger.latest_checks().values()]
        seen = [entry.body for entry in runtime.control.ledger.latest_observations().values()]
    counts = {state: sum(s.status == state for s in states) for state in dict.fromkeys(s.status for s in states)}
    failed = [f"{a.asset}#{a.check}" for a in answers if not a.passed]
    broken = [s.id for s in states if s.status == "broken"]
    ok = all(run.succeeded for run in runs.values()) and not broken
    content: dict[str, Any] = {
        "ok": ok,
        "seconds": round(time.monotonic() - began, 1),
        "seed": {"rows": made.rows, "tables": len(made.tables)},
        "inspect": {
            "ok": runs["inspect"].succeeded,
            "categories": len(seen),
            "rows": sum(rows or 0 for body in seen for rows in body.rows.values()),
            "checks": len(answers),
            "failed": failed,
        },
        "requests": {
            "ok": all(runs[job].succeeded for job in SENSORS.values()),
            "asked": len(asked),
            "done": answered.count("done"),
        },
        "backups": {"ok": runs["backup_replication"].succeeded, "regions": copied},
        "drills": {"ok": runs["restore_drill"].succeeded, "restored": len(restored)},
        "retention": {"ok": runs["retention_sweep"].succeeded, "dry_run": True, "switched_on": switched_on},
        "staging": {"ok": runs["staging"].succeeded, "tables": staged},
        "analytics": {
            "ok": all(runs[job].succeeded for job in OF_A_PERIOD),
            "tables": sum(map(bool, released.values())),
            "releases": sum(map(len, released.values())),
        },
        "ledger": {"ok": runs["anchor"].succeeded, "entries": head},
        "clauses": counts,
    }

    def people() -> None:
        table(
            said("Done in {seconds} s", seconds=content["seconds"]),
            ("what", "result"),
            [
                (said("rows made"), said("{rows} in {tables} tables", rows=f"{made.rows:,}", tables=len(made.tables))),
                (said("categories observed"), len(seen)),
                (
                    said("checks"),
                    said("{passed} passed, {failed} failed", passed=len(answers) - len(failed), failed=len(failed)),
                ),
                (said("requests answered"), answered.count("done")),
                (said("regions with tonight's backup"), len(copied)),
                (said("backups restored in drills"), len(restored)),
                (said("tables staged"), staged),
                (said("tables for analysts"), content["analytics"]["tables"]),
                (said("ledger entries"), head),
                *((said("clauses {state}", state=said(state)), number) for state, number in counts.items()),
            ],
        )
        for name in (
            *(f"{job} ({settings.home}/logs/{job}.log)" for job, run in runs.items() if not run.succeeded),
            *failed,
        ):
            say(said("failed: {name}", name=name))
        look = "Look: make dev (the Dagster UI) · genuka catalog · genuka ledger verify · {logs}"
        say(said(look, logs=f"{settings.home}/logs"))

    show(json, content, people)
    if not ok:
        raise typer.Exit(1)


def _partition(job: str, as_of: datetime) -> str | None:
    from genuka_pipelines.analytics.releases.calendar import last_complete, span
    from genuka_pipelines.catalog.load import load_catalog

    if job in OF_A_NIGHT:
        return night_of(datetime.now(UTC)).isoformat()
    every = OF_A_PERIOD.get(job)
    if every is None:
        return None
    settles = [table.settles for table in load_catalog().published.values() if table.period.every == every]
    return span(last_complete(every, max(settles, default=0), as_of))[0].isoformat()


def _steps(job: str, _: str, number: int) -> None:
    _progress(f"{job}: {number} steps")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K    {text}")
        sys.stderr.flush()
