"""Which keys are allowed, and how an error may name one.

A key must mean the same object in every backend and never leave its folder; a key that holds a file
name somebody chose (media) may hold a person's name and must not reach a log.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from genuka_pipelines.stores.errors import InvalidKey

RESERVED = ".store"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LONGEST_KEY = 1024  # S3's limit, in bytes of UTF-8
LONGEST_SEGMENT = 200  # below the 255 of common file systems, with room for a suffix


@dataclass(frozen=True, slots=True)
class Shown:
    """Names a store and its objects in messages; `private` keys appear as a fingerprint."""

    store: str
    private: bool = False

    def __call__(self, key: str) -> str:
        """`object 'a/b' of store france`, or `object #0f3c… of store media`."""
        if self.private:
            fingerprint = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12]
            return f"object #{fingerprint} of store {self.store}"
        return f"object {key!r} of store {self.store}"


def check_key(key: str, shown: Shown, *, longest: int = LONGEST_KEY) -> str:
    """The key itself, or InvalidKey; `longest` is in bytes. The message never quotes the key."""
    problem = _problem(key, longest)
    if problem:
        raise InvalidKey(
            f"A key for store {shown.store} {problem}: use segments of 1 to {LONGEST_SEGMENT} bytes "
            f"separated by single slashes, at most {longest} bytes in all."
        )
    return key


def _problem(key: str, longest: int) -> str | None:
    if not key:
        return "is empty"
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if size > longest:
        return f"is {size} bytes long"
    if _CONTROL.search(key):
        return "holds a control character"
    if key.startswith("/"):
        return "starts with a slash"
    for number, segment in enumerate(key.split("/"), start=1):
        if not segment:
            return f"has an empty segment (number {number})"
        if segment in (".", ".."):
            return f"has a segment of dots (number {number}) that would leave its folder"
        if segment == RESERVED:
            return f"uses the reserved name {RESERVED} (segment {number})"
        if len(segment.encode()) > LONGEST_SEGMENT:
            return f"has a segment of more than {LONGEST_SEGMENT} bytes (number {number})"
    return None
