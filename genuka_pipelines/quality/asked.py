"""A question as it is put to one asset: what every module in `questions` is given, and all it is given.

The moments are part of it; a question that read the clock itself could not be asked about the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.keepers import RETENTION

if TYPE_CHECKING:
    from datetime import datetime

    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.catalog.processor import System
    from genuka_pipelines.catalog.question import Question
    from genuka_pipelines.quality.surroundings import Surroundings
    from genuka_pipelines.rows.databases import Homes


@dataclass(frozen=True)
class Asked:
    """Question `name` about asset `key`, as of a moment, asked `now` (both aware UTC).

    The asset is a category, `retention/<category>` which sweeps one, or `systems/<system>`, which has no
    `category` and no `homes`.
    """

    house: Surroundings
    name: str
    key: str
    as_of: datetime
    now: datetime

    @property
    def question(self) -> Question:
        """What is declared of the question."""
        return self.house.catalog.questions[self.name]

    @property
    def category_key(self) -> str:
        """The key of the category asked about."""
        return self.key.removeprefix(RETENTION)

    @property
    def category(self) -> Category:
        """What is declared of the category asked about."""
        return self.house.catalog.categories[self.category_key]

    @property
    def system(self) -> System:
        """The system that holds the category."""
        return self.house.catalog.systems[self.category.system]

    def homes(self) -> Homes:
        """Look at every database that holds rows of the category: once for a question, not once a table."""
        return self.house.databases(self.category.system).homes(self.house.catalog, self.as_of)
