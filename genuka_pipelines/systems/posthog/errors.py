"""What can go wrong at PostHog, one class per harm.

"Not there" must never be confused with "not allowed" or "nobody answered": a recording called gone
because its project was mistyped would be watched for years. No text holds an id, a key or an answer.
"""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class PostHogError(GenukaError):
    """Anything that PostHog refuses or fails to do."""


class KeyUnusable(PostHogError):
    """The key file is missing, open to others, or holds no personal key."""


class Forbidden(PostHogError):
    """This key, project or address will not do, whatever the recording."""


class Unreachable(PostHogError):
    """Nobody answered, or only with failures: nothing is known."""


class OutOfTime(PostHogError):
    """The time allowed, or the share of PostHog's limits that is ours, is used up."""


class NotAnId(PostHogError):
    """Not the id of a recording: sent as it is, it could name another thing."""


class RecordingKept(PostHogError, PromiseBroken):
    """PostHog keeps failing to delete a recording that it still has."""
