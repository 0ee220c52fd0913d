"""Ends a tenant, step by step: its time to fetch its data, its own database, its rows everywhere, its backups' keys.

What goes here goes for good; so each step says what it waits for, and the last, the keys, waits for two people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from genuka_pipelines.backups.errors import KeyShredded, NoSuchBackup
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.regions.opened import vault_of
from genuka_pipelines.backups.regions.region import living
from genuka_pipelines.backups.vault.shredding import NotToBeShredded, announce_shredding, confirm_shredding
from genuka_pipelines.catalog.persons import systems_of
from genuka_pipelines.control import KeyShredded as Shredded
from genuka_pipelines.control import Staging
from genuka_pipelines.requests.erasing import Erased
from genuka_pipelines.requests.finding import homes_of_people
from genuka_pipelines.requests.selecting import keys_in
from genuka_pipelines.retention.dedicated import end_databases
from genuka_pipelines.rows.correcting import correct, in_ledger
from genuka_pipelines.rows.destroying.applying import apply
from genuka_pipelines.rows.destroying.line import Line
from genuka_pipelines.rows.selection import OfTenant

if TYPE_CHECKING:
    from genuka_pipelines.backups.calendar import Epoch
    from genuka_pipelines.backups.vault.vault import Vault
    from genuka_pipelines.catalog.request import RequestPlan
    from genuka_pipelines.control import Request
    from genuka_pipelines.requests.house import Ending

Waits = Literal["retrieval", "waits", "held", "by_hand", "grace", "confirmation"]


@dataclass(frozen=True)
class Ended:
    """How far a tenant's end is: what it `waits` for, or None where all is gone. `done` are numbers and days."""

    waits: Waits | None
    done: Mapping[str, Any] = field(default_factory=dict)
    left: str = ""


def end_tenant(
    house: Ending,
    plan: RequestPlan,
    request: Request,
    *,
    as_of: datetime,
    clock: Callable[[], datetime],
    progress: Callable[[Line], None] | None = None,
) -> Ended:
    """The next steps of a tenant's end, as far as they can go now; repeating it goes on."""
    tenant, now = str(request.tenant), clock()
    began = request.approved_at or now
    if not request.opened(house.keyring).get("waived"):
        until = plan.retrieved_within.end(began)
        if now < until:
            return Ended("retrieval", {"until": until.date().isoformat()})
    _mark(house, plan, request, tenant, as_of=as_of, now=now)
    steps = [
        one.step
        for system in systems_of(house.catalog)
        for one in end_databases(house, system, as_of=as_of, clock=clock, dry_run=False)
        if one.tenant == tenant
    ]
    own = [system for system in systems_of(house.catalog) if _has_its_own(house, system, tenant, as_of)]
    if own:
        return Ended("waits", {"own_database": steps[0] if steps else "not due"})
    erased = _emptied(house, tenant, as_of=as_of, clock=clock, progress=progress)
    done = {name: erased.added(name) for name in ("deleted", "anonymised", "kept_by_law", "held", "survivors")}
    if erased.unknown or erased.left:
        return Ended(None, done, "; ".join(erased.unknown) or ", ".join(erased.left))
    if done["held"]:
        return Ended("held", done)
    if erased.added("by_hand"):
        return Ended("by_hand", done)
    waits, keys = _keys(house, request, tenant, now=now)
    opens = keys.get("epochs_that_still_open", 0)
    return Ended(waits, {**done, **keys}, f"{opens} epochs of its backups still open" if opens else "")


def _mark(house: Ending, plan: RequestPlan, request: Request, tenant: str, *, as_of: datetime, now: datetime) -> None:
    """Date the wish in the register of databases, so that an own one need not wait for its months."""
    said = as_of.strftime("%Y-%m-%d %H:%M:%S")
    for home in homes_of_people(house, as_of):
        for name, column in plan.ended.items() if home.tenant is None else ():
            if name in home.declared and home.has(name):
                table = home.table(name)
                keys = keys_in(table, OfTenant(tenant))
                for changed in correct(table, column, keys, lambda old: old or said, house.keyring):
                    in_ledger(house.control, request.id, home.declared[name].key, changed, now=now)


def _has_its_own(house: Ending, system: str, tenant: str, as_of: datetime) -> bool:
    found = house.databases(system).homes(house.catalog, as_of)
    return tenant in found.dedicated or tenant in found.unknown


def _emptied(
    house: Ending, tenant: str, *, as_of: datetime, clock: Callable[[], datetime],
    progress: Callable[[Line], None] | None,
) -> Erased:  # fmt: skip
    lines: list[Line] = []
    for system in systems_of(house.catalog):
        outcome = apply(
            OfTenant(tenant), house, system, as_of=as_of, clock=clock, contents=house.contents, progress=progress,
            origin="tenant_end",
        )  # fmt: skip
        lines += [line for line in outcome.lines if line.due or line.unknown]
    return Erased(tuple(lines), {})


def _keys(house: Ending, request: Request, tenant: str, *, now: datetime) -> tuple[Waits | None, dict[str, Any]]:
    """Announce the end of the keys, and after the grace, by somebody else, destroy them; then nothing opens."""
    done: dict[str, Any] = {}
    owner = owner_of(tenant, house.keyring)
    for plan in house.catalog.backups.values():
        if any(entry.body.owner == owner.id for entry in house.control.ledger.latest(Shredded, owner.id)):
            continue
        since = announce_shredding(house, owner, by=str(request.approved_by), now=now)
        until = plan.shredded_after.end(since)
        if now < until:
            return "grace", {"keys_until": until.date().isoformat()}
        # Staged tables are made anew every night; one that was not since the rows went may still have some of them.
        if stale := sum(one.at < since for one in house.control.ledger.latest(Staging)):
            return "waits", {"staged_before": stale}
        if request.confirmed_by is None:
            return "confirmation", {}
        vault = vault_of(house, plan)
        try:
            receipt = confirm_shredding(
                house, vault, owner, by=request.confirmed_by, grace=plan.shredded_after, now=now
            )
        except NotToBeShredded:
            return "held", {}
        done["keys_destroyed"] = len(receipt.found)
        done["epochs_that_still_open"] = sum(_opens(vault, owner.id, epoch) for epoch in living(now))
    return None, done


def _opens(vault: Vault, owner: str, epoch: Epoch) -> bool:
    """Whether anything of an owner can still be read out of an epoch: tried, and not concluded."""
    try:
        vault.reading(owner, epoch)
    except (KeyShredded, NoSuchBackup):
        return False
    return True
