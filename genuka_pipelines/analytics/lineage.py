"""The proof that browsers and people are not linked, under the room that analysts' tables are made in."""

from __future__ import annotations

from genuka_pipelines.catalog.lineage import Linked, unlinked

__all__ = ["Linked", "unlinked"]
