"""What every component shares: its value comes from the one catalogue, under the key of its folder.

Parsing a fact twice, once for Dagster and once for the terminal, would let the two disagree.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import dagster as dg
from pydantic import BaseModel

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.load import fact_key, load_catalog
from genuka_pipelines.catalog.value import Value


class FactComponent(dg.Component):
    """A component whose attributes are one value of the catalogue."""

    model: ClassVar[type[Value]]

    def __init__(self, catalog: Catalog, key: str) -> None:
        self.catalog = catalog
        self.key = key

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The value, which is also the schema of the YAML."""
        return cls.model

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """The component of a folder; a wrong fact anywhere is one sentence with file and line."""
        folder = context.path if context.path.is_dir() else context.path.parent
        catalog = load_catalog(_root(folder))
        return cls(catalog, fact_key(catalog, folder))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Nothing by default: some facts are only read."""
        return dg.Definitions()


def _root(folder: Path) -> Path:
    """The folder of facts that a folder belongs to: the outermost that still holds a `defs.yaml`."""
    root = folder
    for parent in folder.parents:
        if (parent / "defs.yaml").exists():
            root = parent
    return root
