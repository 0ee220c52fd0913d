"""`genuka backup`: capture a night, bring it into every region, verify, repair, restore, drill, end."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken
from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.backups.nightly import Brought
    from genuka_pipelines.backups.regions.verifying import Verified
    from genuka_pipelines.catalog.backup import BackupPlan
    from genuka_pipelines.runtime import Runtime

app = typer.Typer(help="Back up, replicate, verify, repair, restore, drill and end backups.", no_args_is_help=True)
At = Annotated[str | None, typer.Option("--backup", metavar="ID", help="Which, such as 20261122T004500Z; the newest.")]
Region = Annotated[str | None, typer.Option("--region", metavar="NAME", help="Only this region.")]


class UnclearBackup(GenukaError):
    """The command does not say what is to be restored, or where to."""


class Degraded(PromiseBroken):
    """A night is not whole in every region."""


@app.command()
@one_sentence
def create(json: Json = False) -> None:
    """Capture every tenant and the platform now, and bring the night into every region; exit 1 if one lacks it."""
    from genuka_pipelines.backups.capturing import capture
    from genuka_pipelines.backups.nightly import bring, prepare_regions
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        plan = only_plan(runtime)
        captured = capture(runtime, plan, now=_now(), clock=_now, progress=None if json else _told)
        prepare_regions(runtime, plan, now=_now())
        brought: dict[str, Brought | str] = {}
        for name in plan.regions:
            try:
                brought[name] = bring(runtime, plan, name, clock=_now, backups=[captured.backup])
            except GenukaError as error:
                brought[name] = str(error)
    night = captured.night
    content = {
        "backup": captured.backup,
        "tenants": sum(tenant is not None for tenant in night.tenants.values()),
        "changed": sum(state.captured for state in night.owners.values()),
        "rows": sum(night.rows.values()),
        "failed": len(captured.failed),
        "regions": {name: _brought(found) for name, found in brought.items()},
    }

    def people() -> None:
        rows = [(name, *_brought(found).values()) for name, found in brought.items()]
        table("Night", ("region", "objects", "bytes", "verified"), rows)
        say(said("{backup}: {rows} rows, {changed} owners changed", **{n: content[n] for n in _SAID}))

    show(json, content, people)
    _refuse_degraded([str(error) for error in captured.failed.values()], brought)


_SAID = ("backup", "rows", "changed")


@app.command()
@one_sentence
def verify(
    region: Region = None,
    full: Annotated[bool, typer.Option("--full", help="Read and hash every object; else presence and locks.")] = False,
    json: Json = False,
) -> None:
    """Look at every object of every region; exit 1 when one is missing, damaged or not locked as it should be."""
    from genuka_pipelines.backups.nightly import look
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        plan = only_plan(runtime)
        found = [look(runtime, plan, name, full=full, now=_now()) for name in regions_wanted(plan, region)]
    bad = [{"region": one.region, "key": each.key, "reason": each.reason} for one in found for each in one.bad]
    content = {
        "objects": sum(one.objects for one in found),
        "bytes": sum(one.bytes for one in found),
        "read": sum(one.read for one in found),
        "bad": bad,
    }

    def people() -> None:
        table("Verified", ("region", "objects", "bytes", "read", "bad"), [_looked(one) for one in found])
        if bad:
            table("Bad objects", ("region", "object", "reason"), [tuple(one.values()) for one in bad])

    show(json, content, people)
    if bad:
        raise Degraded(f"{len(bad)} objects are not as they should be: `genuka backup repair` takes good ones over")


@app.command()
@one_sentence
def repair(json: Json = False) -> None:
    """Take from each region what another lacks or has damaged; exit 1 when something is bad in all of them."""
    from genuka_pipelines.backups.nightly import mend
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        found = mend(runtime, only_plan(runtime), now=_now())
    rows = [(one.region, len(one.found), one.copied, one.bytes, len(one.left)) for one in found]
    names = ("region", "found", "copied", "bytes", "left")
    show(
        json,
        {"regions": {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in rows}},
        lambda: table("Repaired", ("region", "bad", "copied", "bytes", "left"), rows),
    )
    if any(not one.whole for one in found):
        raise Degraded("some objects are bad in every region: `genuka backup verify --full` names them")


@app.command(name="list")
@one_sentence
def list_(json: Json = False) -> None:
    """The nights that a region holds, newest first, as its bucket alone tells them."""
    from genuka_pipelines.backups.regions import nights
    from genuka_pipelines.backups.regions.opened import regions_of
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        plan, keyring = only_plan(runtime), runtime.keyring
        found = {
            name: [
                {
                    "backup": header.backup,
                    "owners": len(header.owners),
                    "changed": sum(state.captured for state in header.owners.values()),
                    "failed": sum(state.failed for state in header.owners.values()),
                    "locked_until": header.retain_until,
                }
                for header in nights.headers(region, verify=keyring.verify, now=_now())
            ]
            for name, region in regions_of(runtime, plan).items()
        }

    def people() -> None:
        rows = [(name, *night.values()) for name, listed in found.items() for night in listed]
        table("Nights", ("region", "backup", "owners", "changed", "failed", "locked until"), rows)

    show(json, {"regions": found}, people)


@app.command()
@one_sentence
def expire(region: Region = None, json: Json = False) -> None:
    """Destroy what is older than its lock, in every region, and prove that it is gone."""
    from genuka_pipelines.backups.regions.ending import end_backups
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        plan = only_plan(runtime)
        found = [one for name in regions_wanted(plan, region) for one in end_backups(runtime, plan, name, now=_now())]
    rows = [(one.region, one.epoch.name, one.objects, one.bytes, one.locked) for one in found]
    names = ("region", "epoch", "objects", "bytes", "locked")
    show(
        json,
        {"expired": [dict(zip(names, row, strict=True)) for row in rows]},
        lambda: table("Ended", names, rows),
    )
    if any(one.locked for one in found):
        raise Degraded("some versions are locked beyond their epoch: they go when their lock ends")


def only_plan(runtime: Runtime) -> BackupPlan:
    """The declared plan; UnclearBackup where there is not just one."""
    plans = runtime.catalog.backups
    if len(plans) != 1:
        raise UnclearBackup(f"{len(plans)} backup plans are declared in assets/backups/; this command needs just one")
    return next(iter(plans.values()))


def regions_wanted(plan: BackupPlan, wanted: str | None) -> list[str]:
    """All regions of a plan, or the one that is asked for; UnclearBackup where it is none."""
    if wanted is None:
        return list(plan.regions)
    if wanted not in plan.regions:
        raise UnclearBackup(f"there is no region '{wanted}'; it is one of {', '.join(plan.regions)}")
    return [wanted]


def _brought(found: Brought | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"objects": None, "bytes": None, "verified": False}
    return {"objects": found.verified.objects, "bytes": found.verified.bytes, "verified": found.whole}


def _looked(one: Verified) -> tuple[object, ...]:
    return one.region, one.objects, one.bytes, one.read, len(one.bad)


def _refuse_degraded(failed: list[str], brought: dict[str, Brought | str]) -> None:
    why = list(dict.fromkeys([*failed, *(found for found in brought.values() if isinstance(found, str))]))
    lacking = [name for name, found in brought.items() if not isinstance(found, str) and not found.whole]
    if lacking:
        why.append(f"{' and '.join(lacking)} does not hold the night whole: `genuka backup repair`")
    if why:
        raise Degraded("; ".join(why))


def _told(system: str, name: str, rows: int) -> None:
    if rows and sys.stderr.isatty():
        say(f"  {system} {name}: {rows}")


def _now() -> datetime:
    return datetime.now(UTC)
