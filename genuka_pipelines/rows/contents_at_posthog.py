"""Recordings at PostHog as contents of rows: each id is answered by what PostHog said, never by its text."""

from __future__ import annotations

from collections.abc import Sequence

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.content import Failure, Reason
from genuka_pipelines.rows.contents_one_by_one import ask_each
from genuka_pipelines.systems.posthog.errors import NotAnId, OutOfTime, RecordingKept, Unreachable
from genuka_pipelines.systems.posthog.recordings import Recordings

_REASONS: tuple[tuple[type[GenukaError], Reason], ...] = (
    (Unreachable, "unreachable"),
    (OutOfTime, "out_of_time"),
    (NotAnId, "unfit_key"),
    (RecordingKept, "still_there"),
)


class RecordingsAtPostHog:
    """`Contents` whose keys are ids of recordings. A call lasts at most the recordings' patience.

    Deleted means that PostHog said so, or that it has no such recording in a project that we see.
    """

    def __init__(self, recordings: Recordings, seconds: float | None = None) -> None:
        self._recordings, self._seconds = recordings, seconds

    def within(self, seconds: float) -> RecordingsAtPostHog:
        """The same for calls that last at most so many seconds; what there was no time for is `out_of_time`."""
        return RecordingsAtPostHog(self._recordings, seconds)

    def destroy(self, keys: Sequence[str]) -> dict[str, Failure | None]:
        """See `Contents.destroy`."""
        deadline = self._deadline()
        return ask_each(keys, lambda key: self._recordings.delete(key, deadline), _failure, nothing=None)

    def remaining(self, keys: Sequence[str]) -> dict[str, bool | None]:
        """See `Contents.remaining`; each key costs a request, and a fresh deletion may not show at once."""
        deadline = self._deadline()
        answers = ask_each(keys, lambda key: self._recordings.is_there(key, deadline), _failure, nothing=False)
        return {key: None if isinstance(answer, Failure) else answer for key, answer in answers.items()}

    def _deadline(self) -> float:
        whole, patience = self._recordings.deadline(), self._recordings.manners.patience
        return whole if self._seconds is None else whole - max(0.0, patience - self._seconds)

    def check(self) -> str:
        """Ask for the project with this key."""
        self._recordings.check()
        return "answers, and the key sees the project"


def _failure(error: GenukaError) -> Failure:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return Failure(reason, str(error))
    return Failure("refused", str(error))
