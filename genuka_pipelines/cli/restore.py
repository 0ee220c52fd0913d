"""`genuka backup restore`, `drill` and `shred`: what comes back, what is tried, and what never will."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genuka_pipelines.catalog.errors import PromiseBroken
from genuka_pipelines.cli.answer import Json, address_of, one_sentence, say, show, table
from genuka_pipelines.cli.backup import At, Region, UnclearBackup, only_plan, regions_wanted
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.backups.drills.drilling import Drilled

By = Annotated[str, typer.Option("--by", metavar="ID", help="Your staff id, opaque.")]


class DrillFailed(PromiseBroken):
    """A backup did not come back as it must."""


@one_sentence
def restore(
    into: Annotated[str, typer.Option("--into", metavar="URL", help="An empty database, or one to be made.")],
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="ID", help="One tenant.")] = None,
    platform: Annotated[bool, typer.Option("--platform", help="What is of no tenant.")] = False,
    everything: Annotated[bool, typer.Option("--everything", help="Everyone, merged as it was.")] = False,
    table_: Annotated[str | None, typer.Option("--table", metavar="TABLE", help="One table of it only.")] = None,
    system: Annotated[list[str] | None, typer.Option("--system", help="Only this database; again for more.")] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="A schema of it instead (PostgreSQL).")] = None,
    backup: At = None,
    region: Region = None,
    recover_by: Annotated[
        str | None,
        typer.Option("--recover-deleted-by-tenant", metavar="STAFF", help="On the tenant's recorded instruction."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be restored, and stop.")] = False,
    json: Json = False,
) -> None:
    """Restore, prove that it is the same, replay every erasure, and only then give it its name."""
    from genuka_pipelines.backups.restoring import Instruction, Reach, Scope, opened_backups, plan_of, targets_in
    from genuka_pipelines.backups.restoring import restore as restored
    from genuka_pipelines.runtime import open_runtime

    scopes: dict[Scope, bool] = {"tenant": tenant is not None, "platform": platform, "everything": everything}
    chosen = [scope for scope, wanted in scopes.items() if wanted]
    if len(chosen) != 1:
        raise UnclearBackup("say what to restore: one of --tenant ID, --platform, --everything")
    scope: Scope = "table" if table_ and not everything else chosen[0]
    with open_runtime() as runtime:
        regions_wanted(only_plan(runtime), region)
        reach = Reach.of(runtime, _now(), first=region)
        plan = plan_of(opened := opened_backups(reach, scope, tenant=tenant, at=backup), table=table_, systems=system)
        targets = targets_in(plan, address_of("--into", into), schema)
        content: dict[str, Any] = {"rows": plan.rows, "captured": plan.captured, "places": sorted(plan.places)}
        if not dry_run:
            instruction = Instruction(str(tenant), recover_by) if recover_by else None
            found = restored(
                runtime,
                plan,
                opened.backups,
                targets,
                clock=_now,
                recover=instruction,
                step=lambda name: say(said(name)) if not json else None,
            )
            content |= {
                "rows": found.rows,
                "tables": found.tables,
                "digest_matches": True,
                "erasures_replayed": found.passed.erased,
                "swept": found.passed.swept,
                "cut": found.passed.cut,
                "left_out": list(found.left_out),
                "missing_owners": len(found.missing),
                "receipt": found.receipt,
            }
    show(json, content, lambda: table("Restored", ("what", "result"), [(k, v) for k, v in content.items()]))


@one_sentence
def drill(
    least: Annotated[int, typer.Option("--least", min=1, help="Restore at least so many.")] = 1,
    json: Json = False,
) -> None:
    """Restore whose turn it is where nobody uses it, compare, and drop it again; exit 1 when one did not come back."""
    from genuka_pipelines.backups.drills.tonight import drill_night
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        plan = only_plan(runtime)
        server = runtime.url(plan.scratch)
        found = drill_night(runtime, plan, server, clock=_now, least=least, progress=_silent if json else _told)
    drills = [
        {
            "owner": one.owner,
            "region": one.region,
            "backup": one.backup,
            "rows": one.rows,
            "seconds": round(one.seconds, 1),
            "planted_absent": one.planted,
            "passed": one.passed,
            "failed": one.failed,
        }
        for one in found
    ]
    columns = ("owner", "region", "backup", "rows", "seconds", "planted", "passed", "why not")
    show(json, {"drills": drills}, lambda: table("Drills", columns, [tuple(one.values()) for one in drills]))
    if any(not one.passed for one in found):
        raise DrillFailed("a backup did not come back as it must: see docs/backups.md")


@one_sentence
def shred(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Whose keys.")],
    by: By,
    confirm: Annotated[bool, typer.Option("--confirm", help="After the grace, by another person.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the announcement back.")] = False,
    json: Json = False,
) -> None:
    """Announce that the keys of a tenant's backups are to be destroyed; after the grace, confirm it."""
    from genuka_pipelines.backups.owner import owner_of
    from genuka_pipelines.backups.regions.opened import vault_of
    from genuka_pipelines.backups.vault.shredding import announce_shredding, confirm_shredding, withdraw_shredding
    from genuka_pipelines.runtime import open_runtime

    if confirm and withdraw:
        raise UnclearBackup("say --confirm or --withdraw, not both")
    with open_runtime() as runtime:
        plan, owner = only_plan(runtime), owner_of(tenant, runtime.keyring)
        content: dict[str, Any] = {"owner": owner.id}
        if withdraw:
            withdraw_shredding(runtime, owner, by=by, now=_now())
            content["state"] = "withdrawn"
        elif confirm:
            vault = vault_of(runtime, plan)
            receipt = confirm_shredding(runtime, vault, owner, by=by, grace=plan.shredded_after, now=_now())
            content |= {"state": "destroyed", "found": dict(receipt.found)}
        else:
            since = announce_shredding(runtime, owner, by=by, now=_now())
            content |= {"state": "announced", "from": plan.shredded_after.end(since)}
    show(json, content, lambda: table("Keys", ("what", "result"), list(content.items())))


@one_sentence
def rewrap(json: Json = False) -> None:
    """Wrap every tenant's key anew in every region, for the newest root key and for the escrow."""
    from genuka_pipelines.backups.regions.opened import vault_of
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        keys = runtime.keyring
        done = vault_of(runtime, only_plan(runtime)).rewrap(keys.root, keys.escrow)
        content = {"keys": done, "root": keys.root.recipient, "escrow": len(keys.escrow)}
    show(json, content, lambda: table("Keys", ("what", "result"), list(content.items())))


def _silent(_: object) -> None:
    """With --json nothing is told meanwhile."""


def _told(one: Drilled) -> None:
    say(said("{owner} from {region}: {rows} rows", owner=one.owner, region=one.region, rows=one.rows))


def _now() -> datetime:
    return datetime.now(UTC)
