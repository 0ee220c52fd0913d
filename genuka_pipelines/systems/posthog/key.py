"""The personal key, read from its file for each request: renewed in place, it needs no restart.

A key that others can read, or the public key of the browser snippet in its place, is found here in one
sentence and not by thousands of refusals.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from genuka_pipelines.systems.posthog.errors import KeyUnusable

_KEY = re.compile(r"[!-~]{8,512}")
_TOO_OPEN = 0o037


def read_key(file: Path) -> str:
    """PostHog's personal key; raises KeyUnusable, also for the public key of the browser snippet."""
    key = read_key_file(file, "PostHog", "personal API key")
    if key.startswith("phc_"):
        raise KeyUnusable(
            f"PostHog's key file {file} holds the project's public key, which deletes nothing: "
            "write a personal API key, which begins with phx_"
        )
    return key


def read_key_file(file: Path, whose: str, what: str) -> str:
    """The key of a file that its owner, and at most a group, may read; raises KeyUnusable."""
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            raise KeyUnusable(f"{whose}'s key file {file} is not a file: put the {what} there")
        if mode & _TOO_OPEN:
            raise KeyUnusable(
                f"{whose}'s key file {file} has mode {stat.S_IMODE(mode):04o}, so others can use it: "
                "make it 0400 or 0440"
            )
        key = file.read_bytes().decode("ascii", "replace").strip()
    except OSError as error:
        raise KeyUnusable(
            f"{whose}'s key file {file} cannot be read ({error.strerror}): put the {what} there"
        ) from None
    if not _KEY.fullmatch(key):
        raise KeyUnusable(f"{whose}'s key file {file} does not hold one key: write the {what}, and nothing else")
    return key
