"""Was every archive that may be fetched loaded again and found the same, and is it still those bytes?"""

from __future__ import annotations

import hashlib
from typing import BinaryIO, cast

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import ExportMade
from genuka_pipelines.exports.asked import Asked
from genuka_pipelines.exports.creating import kept_in


def ask(asked: Asked) -> Answer:
    """No where nothing says that one was loaded again, or where the store holds other bytes, or none."""
    system, _ = kept_in(asked.house, asked.now)
    store, ledger = asked.house.store(system), asked.house.control.ledger
    unproved = damaged = 0
    for one in asked.archives:
        unproved += not ledger.latest(ExportMade, one.id)
        try:
            bytes_ = _Hashed()
            store.read_into(one.key, cast("BinaryIO", bytes_))
            damaged += bytes_.state.hexdigest() != one.sha256
        except GenukaError:
            damaged += 1
    counts = {"archives": len(asked.archives), "unproved": unproved, "damaged": damaged}
    return Answer(passed=not (unproved or damaged), counts=counts, unproven=not asked.archives)


class _Hashed:
    """Takes an archive of any size, and keeps its hash alone."""

    def __init__(self) -> None:
        self.state = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """As a file is written to."""
        self.state.update(data)
        return len(data)
