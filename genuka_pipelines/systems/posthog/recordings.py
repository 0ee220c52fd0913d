"""Deletes recordings, one request each, and asks after them.

PostHog's bulk deletion skips in silence what it does not find and takes no personal key, so it proves
nothing. Its 404 means "gone" only in a project that this key can see: that is asked before a 404 counts.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from genuka_pipelines.systems.http.address import address
from genuka_pipelines.systems.http.connection import Answer, Connection
from genuka_pipelines.systems.posthog.errors import (
    Forbidden,
    NotAnId,
    PostHogError,
    RecordingKept,
    Unreachable,
)
from genuka_pipelines.systems.posthog.key import read_key
from genuka_pipelines.systems.posthog.pace import Pace

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_GONE = (404, 410)
_SURE_FOR = 300.0
_chance = SystemRandom()


@dataclass(frozen=True, slots=True)
class Manners:
    """How failures are borne: tries before one is taken for lasting, waits between them, all in seconds.

    The wait doubles from `first_wait` to `longest_wait`, and is shortened by up to half at random so
    that threads do not come back together. `patience` bounds one call with all its waits.
    """

    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    answer_within: float = 30.0
    patience: float = 600.0

    def wait(self, failures: int) -> float:
        """Before the next try, after so many failures."""
        longest = min(self.first_wait * 2.0 ** min(failures - 1, 30), self.longest_wait)
        return longest * _chance.uniform(0.5, 1.0)


class Recordings:
    """The recordings of one project; safe to use from several threads.

    Every call may raise Forbidden, Unreachable, OutOfTime or KeyUnusable. A `deadline` is a time of
    `deadline()`.
    """

    def __init__(self, connection: Connection, project: str, pace: Pace, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()
        self._connection, self._pace = connection, pace
        self._path = f"/api/projects/{project}/session_recordings/"
        self._sure_until = float("-inf")
        self._asking_for_the_project = threading.Lock()

    def deadline(self) -> float:
        """When a call that begins now has to end."""
        return self._pace.now() + self.manners.patience

    def delete(self, recording: str, deadline: float) -> None:
        """Delete a recording, or find it gone; raises RecordingKept or NotAnId.

        204 is PostHog's word that the recording's key is destroyed; a later `is_there` may lag behind.
        """
        answer = self._settled("DELETE", self._of(recording), deadline)
        if answer.status == 204:
            return
        if answer.status in _GONE:
            self._be_sure_of_the_project(deadline)
        elif not answer.failed:
            raise _refusal(answer)
        elif self.is_there(recording, deadline):
            raise RecordingKept("PostHog keeps failing to delete a recording that it still has: ask its support")

    def is_there(self, recording: str, deadline: float) -> bool:
        """Whether PostHog still has a recording; raises NotAnId."""
        answer = self._settled("GET", self._of(recording), deadline)
        if answer.status == 200:
            return True
        if answer.status in _GONE:
            self._be_sure_of_the_project(deadline)
            return False
        raise _refusal(answer)

    def check(self) -> None:
        """Ask whether this key sees the recordings of this project; raises what is wrong."""
        self._look_at_the_project(self.deadline())

    def close(self) -> None:
        """Close every connection."""
        self._connection.close()

    def _of(self, recording: str) -> str:
        if not _ID.fullmatch(recording):
            raise NotAnId("what a row names is not the id of a recording (letters, digits, - and _): correct the row")
        return f"{self._path}{recording}/"

    def _be_sure_of_the_project(self, deadline: float) -> None:
        """In a project that does not exist everything is absent: a 404 counts only where the project is seen."""
        with self._asking_for_the_project:
            if self._pace.now() > self._sure_until:
                self._look_at_the_project(deadline)
                self._sure_until = self._pace.now() + _SURE_FOR

    def _look_at_the_project(self, deadline: float) -> None:
        answer = self._settled("GET", f"{self._path}?limit=1", deadline)
        if answer.status in _GONE:
            raise Forbidden("PostHog has no such project for this key: correct GENUKA_POSTHOG_PROJECT or _URL")
        if answer.status != 200:
            raise _refusal(answer)
        if not _is_a_list(answer.body):
            raise Forbidden("what answers is not PostHog's list of recordings: correct GENUKA_POSTHOG_URL")

    def _settled(self, method: str, path: str, deadline: float) -> Answer:
        """The answer that stays: waits are kept to, failures tried again, a last failure returned."""
        failures = throttled = 0
        while True:
            self._pace.turn(deadline)
            left = max(deadline - self._pace.now(), 0.05)
            answer = self._connection.ask(method, path, seconds=min(self.manners.answer_within, left))
            if answer.status == 429:
                throttled += 1
                self._pace.hold(answer.wait or self.manners.wait(throttled))
            elif answer.failed:
                failures += 1
                pause = answer.wait or self.manners.wait(failures)
                if failures >= self.manners.tries or not self._pace.pause(pause, deadline):
                    return answer
            else:
                return answer


def open_recordings(
    url: str,
    project: str,
    key_file: Path,
    *,
    per_minute: int = 200,
    per_hour: int = 1000,
    threads: int = 8,
    manners: Manners | None = None,
) -> Recordings:
    """The recordings of a project; nothing is asked yet. Forbidden for an address that may not have the key."""
    try:
        place = address(url)
    except ValueError as error:
        raise Forbidden(f"PostHog's address {error}") from None
    return Recordings(
        Connection(place, lambda: read_key(key_file), threads=threads),
        project,
        Pace(per_minute, per_hour),
        manners,
    )


def _refusal(answer: Answer) -> PostHogError:
    """What an answer means that is neither "done" nor "gone"."""
    status = answer.status
    if status is None:
        return Unreachable("PostHog does not answer: check GENUKA_POSTHOG_URL and the way there")
    if answer.failed:
        return Unreachable(f"PostHog answers with failures ({status}): see its status, it goes on next time")
    if status == 401:
        return Forbidden("PostHog does not know the key: put a valid personal API key into GENUKA_POSTHOG_KEY_FILE")
    if status == 403:
        return Forbidden(
            "PostHog forbids it to this key: give the personal API key the scopes session_recording:write and "
            "session_recording:read, and access to the project"
        )
    if 300 <= status < 400:
        return Forbidden("PostHog's address leads to another, which was not followed: correct GENUKA_POSTHOG_URL")
    return Forbidden(f"PostHog answers {status}, which means neither done nor gone: its interface may have changed")


def _is_a_list(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and isinstance(answer.get("results"), list)
