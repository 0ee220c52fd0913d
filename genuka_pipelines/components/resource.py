"""The one Dagster resource: it opens the house, and says what time it is.

A step that read the clock itself could not be replayed for another day; `as_of` is configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.components.run_history import RunHistory
from genuka_pipelines.runtime import Runtime, shared_runtime
from genuka_pipelines.settings import Misconfigured

RESOURCE = "house"


class House(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Settings to opened systems, stores, keys and control, at one moment of time."""

    as_of: str = Field(
        default="",
        description="The moment the work is about, as ISO 8601 with a zone; empty means now.",
    )

    def moment(self) -> datetime:
        """`as_of` as an aware UTC datetime; Misconfigured where it is none."""
        if not self.as_of:
            return datetime.now(UTC)
        try:
            moment = datetime.fromisoformat(self.as_of)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise Misconfigured(f"as_of '{self.as_of}' is not a moment with a zone, such as 2026-05-03T00:00:00+00:00")
        return moment.astimezone(UTC)

    def runtime(self, instance: dg.DagsterInstance | None = None) -> Runtime:
        """The opened house of this process; with an instance, its run history is in reach too."""
        runtime = shared_runtime()
        if instance is not None:
            runtime.run_history = RunHistory(instance)
        return runtime


@contextmanager
def one_sentence(**metadata: str) -> Iterator[None]:
    """Turns an error of ours into a failed step that says the same sentence, without a driver's text."""
    try:
        yield
    except GenukaError as error:
        sentence = str(error)
    else:
        return
    raise dg.Failure(sentence, metadata=dict(metadata), allow_retries=False) from None
