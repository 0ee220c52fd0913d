"""One hash for a whole batch of rows.

An entry per row would make the ledger as large as what it destroyed; the root of a tree still lets
anyone show later that one row was, or was not, in the batch. Source: RFC 6962, section 2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def merkle_root(leaves: Iterable[bytes]) -> str:
    """The root, in hex, of the leaves in the order given. Memory: one hash per level.

    The leaves are keyed hashes of rows, made by the caller, who also fixes their order (sorted, as
    a rule). No leaf at all gives the SHA-256 of nothing.
    """
    peaks: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, root = 1, hashlib.sha256(b"\x00" + leaf).digest()
        while peaks and peaks[-1][0] == size:
            _, left = peaks.pop()
            size, root = size * 2, _node(left, root)
        peaks.append((size, root))
    if not peaks:
        return hashlib.sha256().hexdigest()
    _, root = peaks.pop()
    while peaks:
        _, left = peaks.pop()
        root = _node(left, root)
    return root.hex()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
