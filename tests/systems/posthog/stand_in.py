"""A PostHog on loopback that keeps to the part of its contract that deletions rest on, and fails on purpose.

    with posthog() as there:
        there.recordings.update({"rec-1", "rec-2"})
        environment = there.environment(folder)     # GENUKA_POSTHOG_… for settings or another process
        there.faults["rec-1"] = [Fault(500), Fault(drop="after")]
        …
        assert there.recordings == set()

DELETE of one: 204, whether it was there or not (`unknown` says otherwise); GET of one: 200 or 404; GET of
the list: `results`, `has_next`, `version`. No or a wrong key: 401; a missing scope: 403; another project:
404. `throttle` answers 429 with the hint in its text, as PostHog does. Each is on record in `asked`.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from tests.systems.meeting import Meeting

KEY = "phx_a-key-of-the-stand-in"
PROJECT = "4711"


@dataclass(frozen=True)
class Fault:
    """What one request meets instead of an answer, or with `late` (seconds) before it.

    drop: the connection is cut "before" or "after" the request did its work.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"type":"server_error","code":"recording_api_failure","detail":"A server error occurred."}'
    late: float = 0
    drop: Literal["before", "after"] | None = None


@dataclass(frozen=True)
class Asked:
    """One request as it was answered; status None where the connection was cut."""

    method: str
    path: str
    status: int | None
    at: float


@dataclass
class PostHog:
    """`faults` are met one a request, by the id of a recording, "list" or "" (whatever is asked next).

    `lasting` are met by every request of that kind for ever. `scopes` are the key's.
    """

    url: str = ""
    recordings: set[str] = field(default_factory=set)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    lasting: dict[str, Fault] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=lambda: {"session_recording:read", "session_recording:write"})
    unknown: int = 204
    throttle: tuple[int, float] | None = None  # so many requests in so many seconds
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _recent: deque[float] = field(default_factory=deque)

    def key_file(self, folder: Path) -> Path:
        """A file with the key, for its owner alone."""
        file = folder / "posthog.key"
        file.write_text(KEY + "\n")
        file.chmod(0o600)
        return file

    def environment(self, folder: Path) -> dict[str, str]:
        """The variables that lead here, at full speed."""
        return {
            "GENUKA_POSTHOG_URL": self.url,
            "GENUKA_POSTHOG_PROJECT": PROJECT,
            "GENUKA_POSTHOG_KEY_FILE": str(self.key_file(folder)),
            "GENUKA_POSTHOG_REQUESTS_PER_MINUTE": "1000000",
            "GENUKA_POSTHOG_REQUESTS_PER_HOUR": "1000000",
        }

    def count(self, method: str, status: int | None = None) -> int:
        """How many requests there were."""
        return sum(one.method == method and status in (None, one.status) for one in self.asked)

    def fault(self, what: str) -> Fault | None:
        """What the next request for `what` meets."""
        with self.lock:
            for name in (what, ""):
                if waiting := self.faults.get(name):
                    return waiting.pop(0)
            return self.lasting.get(what) or self.lasting.get("")

    def answer(self, method: str, path: str, key: str | None) -> tuple[int, Any]:
        """Do what is asked: a status, and the answer's content."""
        if key != f"Bearer {KEY}":
            return 401, _error("authentication_error", "authentication_failed", "Personal API key is invalid.")
        if (wait := self._wait()) is not None:
            text = f"Request was throttled. Expected available in {wait} seconds."
            return 429, _error("throttled_error", "throttled", text)
        scope = "session_recording:" + ("read" if method == "GET" else "write")
        if scope not in self.scopes:
            return 403, _error("authentication_error", "permission_denied", f"API key missing required scope '{scope}'")
        here = f"/api/projects/{PROJECT}/session_recordings/"
        if not path.startswith(here):
            return 404, _error("invalid_request", "not_found", "Project not found.")
        recording = unquote(path.removeprefix(here)).strip("/")
        with self.lock:
            there = recording in self.recordings
            if method == "DELETE" and recording:
                self.recordings.discard(recording)
                return (204 if there else self.unknown), None
            if method == "GET" and not recording:
                some = sorted(self.recordings)[:1]
                return 200, {
                    "results": [_shown(one) for one in some],
                    "has_next": len(self.recordings) > 1,
                    "version": 4,
                }
        if method == "GET" and there:
            return 200, _shown(recording)
        return 404, _error("invalid_request", "not_found", "Recording not found")

    def _wait(self) -> int | None:
        if self.throttle is None:
            return None
        most, seconds = self.throttle
        now = time.monotonic()
        with self.lock:
            while self._recent and self._recent[0] <= now - seconds:
                self._recent.popleft()
            if len(self._recent) < most:
                self._recent.append(now)
                return None
            return max(1, round(self._recent[0] + seconds - now + 0.5))


def _error(kind: str, code: str, detail: str) -> dict[str, Any]:
    return {"type": kind, "code": code, "detail": detail, "attr": None}


def _shown(recording: str) -> dict[str, Any]:
    person = {"name": "amina@example.cm", "properties": {"email": "amina@example.cm"}}
    return {"id": recording, "distinct_id": "d", "viewers": ["staff@example.cm"], "person": person}


class _Handler(Meeting):
    there: PostHog

    def meet(self) -> None:
        path = urlsplit(self.path).path
        what = unquote(path.rstrip("/").rsplit("/", 1)[-1])
        fault = self.there.fault("list" if what == "session_recordings" else what) or Fault()
        time.sleep(fault.late)
        status, content = fault.status, b""
        if status is None and fault.drop != "before":
            status, said = self.there.answer(self.command, path, self.headers["Authorization"])
            content = b"" if said is None else json.dumps(said).encode()
        elif status is not None:
            content = fault.body
        dropped = fault.drop is not None
        self.there.asked.append(Asked(self.command, path, None if dropped else status, time.monotonic()))
        if dropped:
            self.close_connection = True
            return
        with suppress(OSError):  # whoever asked may have gone
            self.send_response(status or 500)
            for name, value in {"Content-Type": "application/json", **fault.headers}.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(b"" if status == 204 else content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


@contextmanager
def posthog(certificate: Path | None = None, **how: Any) -> Iterator[PostHog]:
    """A running stand-in on a free loopback port; over TLS with a certificate and key in one PEM file."""
    there = PostHog(**how)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"there": there}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    there.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
