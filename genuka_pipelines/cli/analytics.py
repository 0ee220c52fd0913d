"""`genuka analytics`: make the releases that are due and publish them, list them, say what they cost, verify them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken
from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.analytics.releases.release import Manifest
    from genuka_pipelines.runtime import Runtime

app = typer.Typer(help="Anonymised tables: refresh, list, spend, verify, correct.", no_args_is_help=True)
Table = Annotated[
    list[str] | None, typer.Option("--table", metavar="NAME", help="Only this table; may be given again.")
]


class UnclearTables(GenukaError):
    """The command names a table or a period that is not, or two things that exclude each other."""


class NotReleased(GenukaError):
    """Some releases could not be made; the others are published."""


class NotAsPublished(PromiseBroken):
    """What analysts open is not as it should be."""


@app.command()
@one_sentence
def refresh(
    table_: Table = None,
    period: Annotated[
        str | None, typer.Option("--period", metavar="P", help="This period: 2026-10-31, 2026-W44, 2026-10, 2026-Q4.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every complete period since the tables begin.")] = False,
    json: Json = False,
) -> None:
    """Stage, release every period that is due and not there, and publish; a release is made once and paid once."""
    from genuka_pipelines.analytics.publishing.refresh import Wanted, refresh, wanted
    from genuka_pipelines.runtime import open_runtime

    if period and all_:
        raise UnclearTables("--period and --all exclude each other; give one of them")
    now = datetime.now(UTC)
    with open_runtime() as runtime:
        names = _names(runtime, table_)
        if period:
            names = _of_period(runtime, names, period, named=bool(table_))
            asked = [Wanted(name, period) for name in names]
        else:
            asked = wanted(runtime, names, everything=all_, now=now)
        tell = say if sys.stderr.isatty() and not json else None
        found = refresh(runtime, asked, now=now, engine=runtime.settings.engine, told=tell)
    releases = [_release(one.manifest, one.cells.num_rows) for one in found.releases]
    refused = [{"table": one.table, "partition": one.period, "why": str(error)} for one, error in found.refused]
    lacking = found.published.copied.lacking if found.published.copied else ()
    content = {
        "releases": releases,
        "refused": refused,
        "catalogue": {"tables": list(found.published.tables), "changed": found.published.changed},
    }

    def people() -> None:
        _table(releases)
        if refused:
            table("Not released", ("table", "period", "why not"), [tuple(one.values()) for one in refused])

    show(json, content, people)
    for sentence in lacking:
        say(sentence)
    if found.refused:
        first = found.refused[0][1]
        others = len(found.refused) - 1
        error = NotReleased(f"{first}" + (f" (and {others} more releases could not be made)" if others else ""))
        error.exit_code = max(one.exit_code for _, one in found.refused)
        raise error


@app.command(name="list")
@one_sentence
def list_(table_: Table = None, json: Json = False) -> None:
    """The releases that the store holds, by table and period, with what each cost."""
    from genuka_pipelines.analytics.publishing.declared import declared_tables
    from genuka_pipelines.analytics.publishing.shelf import read_releases
    from genuka_pipelines.analytics.releases.release import STORE, slot_folder, slots_in
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        store, declared = runtime.store(STORE), declared_tables(runtime.catalog)
        slots = [slot for name in _names(runtime, table_) for slot in slots_in(store, slot_folder(name))]
        releases = [
            {
                **_release(one.manifest, one.cells.num_rows),
                "present": one.manifest.spec == declared[one.manifest.table].spec,
            }
            for some in read_releases(store, slots)
            for one in some
        ]
    show(json, {"releases": releases}, lambda: _table(releases))


@app.command()
@one_sentence
def spend(json: Json = False) -> None:
    """What each class of units has cost in each year, and what it may."""
    from genuka_pipelines.analytics.releases.once import year_spent
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        units = runtime.catalog.privacy.units if runtime.catalog.privacy else {}
        years = sorted({(one.units, one.year) for one in runtime.control.budgets.spent() if one.units in units})
        found = [(name, year_spent(runtime, name, year)) for name, year in years]
    content = [
        {
            "unit": name,
            "year": one.year,
            "epsilon": one.epsilon,
            "epsilon_of": one.of.epsilon,
            "delta": one.delta,
            "delta_of": one.of.delta,
            "rho": one.rho,
            "pld_epsilon": one.pld_epsilon,
        }
        for name, one in found
    ]

    def people() -> None:
        columns = ("unit", "year", "ε", "ε at most", "δ", "δ at most")
        rows = [[_short(value) for value in list(one.values())[:6]] for one in content]
        table("Budgets", columns, rows)

    show(json, {"spent": content}, people)


@app.command()
@one_sentence
def verify(json: Json = False) -> None:
    """Look at every release and all that is made of them; exit 1 when something is damaged, missing or differs."""
    from genuka_pipelines.analytics.publishing.verify import verify
    from genuka_pipelines.catalog.lineage import unlinked
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        found = verify(runtime, now=datetime.now(UTC))
        bad = [(fault.what, fault.why) for fault in found.bad]
        bad += [(one.table, one.why) for one in unlinked(runtime.catalog)]
    bad += [(name, f"no release of {', '.join(gaps)}") for name, gaps in found.missing.items()]
    content = {
        "releases": found.releases,
        "tables": found.tables,
        "bad": [{"what": what, "why": why} for what, why in bad],
    }

    def people() -> None:
        say(said("{releases} releases of {tables} tables", releases=found.releases, tables=found.tables))
        if bad:
            table("Bad objects", ("what", "reason"), bad)

    show(json, content, people)
    if bad:
        raise NotAsPublished(f"{len(bad)} things are not as they should be; the first: {bad[0][0]}: {bad[0][1]}")


@app.command()
@one_sentence
def correct(
    table_: Annotated[str, typer.Option("--table", metavar="NAME", help="The table that is wrong.")],
    first: Annotated[str, typer.Option("--period", metavar="P", help="The first period that is wrong.")],
    fr: Annotated[str, typer.Option("--fr", help="What is wrong, in French; analysts read it.")],
    en: Annotated[str, typer.Option("--en", help="The same in English.")],
    last: Annotated[
        str | None, typer.Option("--until", metavar="P", help="The last period; the first if left out.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Show these periods no longer.")] = False,
    json: Json = False,
) -> None:
    """Record a correction for good, and publish it wherever the table is shown."""
    from genuka_pipelines.analytics.publishing.errata import erratum, record
    from genuka_pipelines.analytics.publishing.publish import publish
    from genuka_pipelines.analytics.releases.release import STORE
    from genuka_pipelines.runtime import open_runtime

    now = datetime.now(UTC)
    with open_runtime() as runtime:
        (name,) = _names(runtime, [table_])
        wrong = erratum(name, first, last or first, fr=fr, en=en, withdrawn=withdraw, now=now)
        key = record(runtime.store(STORE), runtime.catalog.published[name], wrong)
        publish(runtime, now=now)
    show(json, {"erratum": key}, lambda: say(said("correction {key} is recorded and shown", key=key)))


def _names(runtime: Runtime, asked: list[str] | None) -> list[str]:
    """The tables asked for, or all; UnclearTables where one is not declared."""
    known = sorted(runtime.catalog.published)
    for name in asked or ():
        if name not in known:
            listed = f"it is one of {', '.join(known)}" if known else "none is declared in assets/analytics/"
            raise UnclearTables(f"there is no table '{name[:60]}'; {listed}")
    return list(dict.fromkeys(asked)) if asked else known


def _of_period(runtime: Runtime, names: list[str], period: str, *, named: bool) -> list[str]:
    """The tables that have such a period; those named must."""
    from genuka_pipelines.analytics.releases.calendar import every_of

    every = every_of(period)
    fitting = [name for name in names if runtime.catalog.published[name].period.every == every]
    if named and fitting != names:
        other = next(name for name in names if name not in fitting)
        asked = runtime.catalog.published[other].period.every
        raise UnclearTables(f"{other} has a release each {asked}; {period} is a {every}")
    return fitting


def _release(manifest: Manifest, rows: int) -> dict[str, Any]:
    from genuka_pipelines.analytics.publishing.manifests import manifest_path

    return {
        "table": manifest.table,
        "partition": manifest.period,
        "cells": rows // max(1, len(manifest.measures)),
        "epsilon": manifest.epsilon,
        "delta": manifest.delta,
        "manifest": manifest_path(manifest.slot),
    }


def _table(releases: list[dict[str, Any]]) -> None:
    rows = [(one["table"], one["partition"], one["cells"], one["epsilon"], one["delta"]) for one in releases]
    table("Releases", ("table", "period", "cells", "ε", "δ"), rows)


def _short(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value
