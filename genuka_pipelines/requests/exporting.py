"""Answers a tenant that asks for its data: the complete archive, sealed for its own key, loaded again once already.

It ends only when the archive is where it can be fetched; an archive that did not come back the same is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from genuka_pipelines.exports import Recipient, create, trial_of

if TYPE_CHECKING:
    from genuka_pipelines.control import Request
    from genuka_pipelines.requests.house import Ending


def recipient_of(house: Ending, request: Request, given: Recipient | None) -> Recipient | None:
    """For whom an answer is sealed: as it was told now, or the age key that the request came with."""
    key = request.opened(house.keyring).get("recipient")
    return given or (Recipient(age=key) if key else None)


def export_tenant(
    house: Ending, request: Request, to: Recipient | None, *, clock: Callable[[], datetime]
) -> Mapping[str, Any] | None:
    """The archive's numbers; None where nobody said for whom it is sealed. Raises what `exports.create` does."""
    if to is None:
        return None
    archive = create(
        house,
        str(request.tenant),
        request=request.id,
        to=to,
        work=house.exports,
        trial=trial_of(house),
        clock=clock,
    )
    return {
        "delivery": archive.delivery,
        "tables": archive.tables,
        "rows": archive.rows,
        "media": archive.media,
        "bytes": archive.size,
        "expires": archive.expires.date().isoformat(),
    }
