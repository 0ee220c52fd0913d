"""What can go wrong with a request, one class per harm; no text repeats what somebody wrote."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class UnclearRequest(GenukaError):
    """A request does not say what is asked, by whom, or since when."""


class NotIdentified(GenukaError):
    """Nobody made sure who asks, or did so too long ago."""


class PreviewChanged(GenukaError):
    """What would be done is no longer what was approved."""

    def __init__(self, request: str) -> None:
        super().__init__(
            f"what request {request} would do has changed since its preview, so nothing was done: look at "
            f"`genuka request preview {request}` and approve that one"
        )


class NotAnswerable(GenukaError):
    """What a request needs cannot be read or reached now."""


class SomethingLeft(PromiseBroken):
    """Rows that a request was to end are still there, or nobody could say whether they are."""

    def __init__(self, request: str, where: str) -> None:
        super().__init__(
            f"request {request} left something behind: {where}; it is tried again, see `genuka request show {request}`"
        )
