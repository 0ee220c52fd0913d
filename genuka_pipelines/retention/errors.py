"""What can go wrong with a sweep, one class per harm."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from datetime import datetime

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class SurvivingRows(PromiseBroken):
    """Rows that were to go are still there, or nobody could say whether they are; `why` are sentences."""

    def __init__(self, where: Sequence[str], why: Sequence[str] = ()) -> None:
        listed = ", ".join(where[:5]) + (f" and {len(where) - 5} more" if len(where) > 5 else "")
        because = f" ({why[0]})" if why else ""
        super().__init__(f"the sweep left rows whose period is over: {listed}{because}; see `genuka retention plan`")


class NotSwitchedOn(GenukaError):
    """Nothing may be destroyed here yet."""

    def __init__(self) -> None:
        super().__init__(
            "sweeps are not switched on here: look at `genuka retention plan`, then run "
            "`genuka go-live retention_sweep`"
        )


class InTheFuture(GenukaError):
    """A sweep as of a moment to come would destroy what is still promised."""

    def __init__(self, as_of: datetime, system: str) -> None:
        super().__init__(
            f"--as-of {as_of.isoformat(timespec='minutes')} is yet to come, and {system} is no synthetic database: "
            "a sweep would destroy what is still promised; leave --as-of out"
        )


class UnknownCategory(GenukaError):
    """A category that nobody declared."""

    def __init__(self, given: str, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(given, list(known), 1)
        hint = f"did you mean {near[0]}?" if near else "`genuka catalog` lists them"
        super().__init__(f"'{given}' is no category; {hint}")


class NothingToDrop(GenukaError):
    """The register speaks of a dedicated database that nobody can open."""

    def __init__(self, system: str) -> None:
        super().__init__(
            f"a dedicated database of {system} is over, and no address leads to it: give GENUKA_TENANT_DSN__<REF>, "
            "or write into the register when it was dropped"
        )


class NotItsOwn(GenukaError):
    """The address of a tenant's database leads to somebody else's rows."""

    def __init__(self, system: str, leads: str) -> None:
        super().__init__(
            f"the address of a dedicated database of {system} {leads}: it will not be emptied; "
            "correct GENUKA_TENANT_DSN__<REF>"
        )


class NoDayForTheEnd(GenukaError):
    """A dropped database would be looked for, and missed, for ever."""

    def __init__(self, system: str) -> None:
        super().__init__(
            f"a dedicated database of {system} is over, and no column of the register would say when it was dropped: "
            "declare it as `dropped` of the system's tenants"
        )


class OutOfReach(GenukaError):
    """Something is declared to end by age in a system of which nothing can be listed."""

    def __init__(self, system: str) -> None:
        super().__init__(f"nothing in {system} can be listed by age: declare its objects in a store or a folder")
