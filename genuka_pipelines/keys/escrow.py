"""Who else can open the tenants' keys: people offline, who hold the other halves of these public keys.

A house that loses its root key loses every backup; and one that wraps to a key nobody holds has no escrow.
"""

from __future__ import annotations

from pathlib import Path

import pyrage  # type: ignore[import-untyped]

from genuka_pipelines.keys import files
from genuka_pipelines.keys.errors import KeyUnusable


def read_recipients(path: Path) -> tuple[str, ...]:
    """The age public keys (`age1…`) of a file, one a line; lines with `#` may say whose. KeyUnusable, KeyMissing.

    They are no secrets; but whoever could change the file could read every backup, so nobody else may write it.
    """
    lines = [line.strip() for line in files.read(path, given=True).decode("utf-8", "replace").splitlines()]
    found = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    try:
        for each in found:
            pyrage.x25519.Recipient.from_str(each)
    except pyrage.RecipientError:
        found = ()
    if not found:
        raise KeyUnusable(f"the key file {path} must hold age public keys (age1…), one a line, and nothing else")
    return found
