"""The stored holds as selections: what an officer wrote down becomes rows that no predicate lets through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, assert_never

from genuka_pipelines.control.scopes import CategoryScope, RowScope, SubjectScope, TenantScope
from genuka_pipelines.rows.selection import Hold, OfCategory, OfPerson, OfTenant, Rows, Selection

if TYPE_CHECKING:
    from datetime import datetime

    from genuka_pipelines.control.hold import StoredHold
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.house import House


def holds_now(house: House, system: str | None, now: datetime) -> tuple[Hold, ...]:
    """The holds that bind a system's rows (every system's, with None) at a moment of the wall clock."""
    return live_holds(house.control.holds.live(now), house.keyring, system)


def live_holds(stored: Iterable[StoredHold], keyring: Keyring, system: str | None = None) -> tuple[Hold, ...]:
    """The holds of a system (of all, without one) as selections. Undecryptable where a key is another."""
    ours = (hold for hold in stored if not hold.scope.system or system in (None, hold.scope.system))
    return tuple(Hold(hold.id, _selection(hold, keyring)) for hold in ours)


def _selection(hold: StoredHold, keyring: Keyring) -> Selection:
    scope = hold.opened(keyring)
    match scope:
        case RowScope(table=table, key=key):
            return Rows(table, frozenset({key}))
        case SubjectScope(keys=keys):
            return OfPerson(keys)
        case TenantScope(tenant=tenant):
            return OfTenant(tenant)
        case CategoryScope(category=category):
            return OfCategory(category)
        case _:
            assert_never(scope)
