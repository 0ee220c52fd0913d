"""The fingerprint of what a release is made by: a table's declaration, the keys it names, and our method.

Words are left out. A better title would else make every release anew, with noise that can be averaged
with the old one's, and be paid for again.
"""

from __future__ import annotations

import hashlib
import json

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.published import AnonymisedTable, Privacy
from genuka_pipelines.catalog.staging import Staging

METHOD = 2
"""Raised when the bounding, or what a number means, changes."""
_WORDS = {"title", "question", "caveat", "purpose", "clause", "settles"}


def spec_in(catalog: Catalog, name: str) -> str:
    """The fingerprint of a published table of a catalogue. How the columns that it reads are staged is part of it."""
    table, privacy = catalog.published[name], catalog.privacy
    assert privacy is not None  # noqa: S101 - facts with a published table and no privacy do not load
    category = catalog.categories.get(table.category)
    staging = category.tables[table.table].staging if category and table.table in category.tables else None
    return spec_of(privacy, table, staging)


def spec_of(privacy: Privacy, table: AnonymisedTable, staging: Staging | None = None) -> str:
    """16 hex digits: the same for declarations that release the same."""
    said = table.model_dump(mode="json", exclude=_WORDS)
    for each in (*said["dimensions"].values(), *said["measures"].values()):
        each.pop("title", None)
    keys = {name: privacy.keys_of(dimension) for name, dimension in table.dimensions.items()}
    # Their order is kept: it is the order of measures and dimensions in what is released.
    made = staging and {
        "columns": {name: staging.columns[name].model_dump(mode="json") for name in table.reads},
        "rows": staging.model_dump(mode="json", include={"when", "consent"}),
    }
    text = json.dumps([METHOD, said, keys, made], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
