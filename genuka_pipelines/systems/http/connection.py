"""One request to a service and its answer, over urllib3.

urllib3 is here for what it does not do: unlike its neighbours it logs no address at INFO, follows no
proxy of the environment and, told so, neither retries nor follows a redirect. What it would log at
DEBUG, or about an odd header, holds ids of recordings and customers, so it is silent while we ask.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from genuka_pipelines.systems.http.address import Address

LONGEST_WAIT = 3600.0  # the longest window of any of them, PostHog's
_MOST_BYTES = 1 << 20
_HINT = re.compile(rb"available in (\d{1,6}) second")
_LOGGERS = ("urllib3.connection", "urllib3.connectionpool", "urllib3.response", "urllib3.util.retry")
_asking: ContextVar[bool] = ContextVar("asking a service", default=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: nobody answered, or the answer broke off. `wait`: seconds we were asked to wait.

    `reference` is what the service itself calls this exchange, where it says so.
    """

    status: int | None
    wait: float | None = None
    body: bytes = b""
    reference: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the same request may do better later."""
        return self.status is None or self.status >= 500 or self.status in (408, 425)


class Connection:
    """Connections to one host and no other; safe to use from `threads` threads at once."""

    def __init__(self, place: Address, key: Callable[[], str], *, threads: int = 8) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_silent_while_asking)
        self._pool = urllib3.connection_from_url(place.origin, maxsize=threads, block=True)
        self._path, self._key = place.path, key

    def ask(self, method: str, path: str, *, seconds: float) -> Answer:
        """Send one request; `seconds` bounds the wait for a connection and for each piece of the answer."""
        headers = {"Authorization": f"Bearer {self._key()}", "User-Agent": "genuka-pipelines"}
        token = _asking.set(True)
        try:
            response = self._pool.urlopen(
                method,
                self._path + path,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(seconds, 10.0), read=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            told = response.headers.get("Request-Id")
            return Answer(response.status, _wait(response, body := _body(response)), body, told)
        except HTTPError:  # its text holds the address, and so the id
            return Answer(None)
        finally:
            _asking.reset(token)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    """As much as matters of an answer; what broke off is as good as empty."""
    try:
        body = response.read(_MOST_BYTES)
        if len(body) == _MOST_BYTES:
            response.close()
        return body
    except HTTPError:
        response.close()
        return b""
    finally:
        response.release_conn()


def _wait(response: urllib3.BaseHTTPResponse, body: bytes) -> float | None:
    """What `Retry-After`, or else the text of the answer, says; the longer of the two."""
    header = response.headers.get("Retry-After", "").strip()
    told = [float(header)] if re.fullmatch(r"\d{1,6}(\.\d+)?", header) else []
    told += [float(match[1]) for match in _HINT.finditer(body)]
    return min(max(told), LONGEST_WAIT) if told else None


def _silent_while_asking(_record: logging.LogRecord) -> bool:
    return not _asking.get()
