"""One hash for a whole batch of rows.

An entry per row would make the ledger as large as what it destroyed; the root of a tree still lets
anyone show later that one row was, or was not, in the batch. Source: RFC 6962, section 2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def merkle_root(leaves: Iterable[bytes]) -> str:
    """The root, in hex, of the leaves in the order given. Memory: twice their size.

    The leaves are keyed hashes of rows, made by the caller, who also fixes their order (sorted, as
    a rule). No leaf at all gives the SHA-256 of nothing.
    """
    sha256 = hashlib.sha256
    level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]
    return level[0].hex() if level else sha256().hexdigest()
