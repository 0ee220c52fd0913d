"""A data category as an observed asset, and what analyses may see of it as staging assets."""

from __future__ import annotations

import dagster as dg

from genuka_pipelines.catalog import category
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.observed import observed_asset
from genuka_pipelines.components.staged import staged_asset


class DataCategory(FactComponent):
    """One heading of a policy: what is held, whose, why, where and how long."""

    model = category.Category

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The observed asset `<product>/<category>`, and `staging/<product>/<table>` for staged tables."""
        declared = self.catalog.categories[self.key]
        staged = [
            staged_asset(self.catalog, self.key, name)
            for name, table in declared.tables.items()
            if table.staging is not None
        ]
        return dg.Definitions(assets=[observed_asset(self.catalog, self.key), *staged])
