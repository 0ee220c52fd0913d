"""The fingerprint of what a release is made by: a table's declaration, the keys it names, and our method.

Words are left out. A better title would else make every release anew, with noise that can be averaged
with the old one's, and be paid for again.
"""

from __future__ import annotations

import hashlib
import json

from genuka_pipelines.catalog.published import AnonymisedTable, Privacy

METHOD = 1
"""Raised when the bounding, or what a number means, changes."""
_WORDS = {"title", "question", "caveat", "purpose", "clause", "settles"}


def spec_of(privacy: Privacy, table: AnonymisedTable) -> str:
    """16 hex digits: the same for declarations that release the same."""
    said = table.model_dump(mode="json", exclude=_WORDS)
    for each in (*said["dimensions"].values(), *said["measures"].values()):
        each.pop("title", None)
    keys = {name: privacy.keys_of(dimension) for name, dimension in table.dimensions.items()}
    # Their order is kept: it is the order of measures and dimensions in what is released.
    text = json.dumps([METHOD, said, keys], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
