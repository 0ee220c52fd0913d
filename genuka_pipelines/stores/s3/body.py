"""The bytes of an answer, picked up where they broke off.

A large object crosses a night's network; starting over at every hiccup would never end, and a
stream cut short must never look like its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from genuka_pipelines.stores.errors import StoreUnreachable
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.s3.errors import named_errors

if TYPE_CHECKING:
    from botocore.response import StreamingBody

RESUMES = 4


class ResumingBody:
    """`body`, continued by `resume(offset)` when the connection breaks.

    `resume` gives a body and the offset it starts at: 0 if the server ignores ranges. In bytes.
    """

    def __init__(
        self,
        body: StreamingBody,
        resume: Callable[[int], tuple[StreamingBody, int]],
        shown: Shown,
        key: str,
    ) -> None:
        self._body, self._resume, self._shown, self._key = body, resume, shown, key
        self._given = self._read = 0
        self._left = RESUMES

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; StoreUnreachable once resuming has failed too often."""
        while True:
            again = self._read < self._given  # bytes that the caller already has
            try:
                with named_errors(self._shown, self._key):
                    piece = self._body.read(min(size, self._given - self._read) if again else size)
            except StoreUnreachable:
                if not self._left:
                    raise
                self._left -= 1
                self._body.close()
                self._body, self._read = self._resume(self._given)
                continue
            self._read += len(piece)
            if not again or not piece:
                self._given = self._read
                return piece

    def close(self) -> None:
        """Give the connection back."""
        self._body.close()
