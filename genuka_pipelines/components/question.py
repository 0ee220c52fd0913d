"""One asset check per question and asset: the answer, its counts, and what to do when it is no."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.catalog import question
from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.keepers import asked
from genuka_pipelines.catalog.question import Question as Declared
from genuka_pipelines.components.answered import answered
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.resource import House
from genuka_pipelines.quality.asking import ask


class Question(FactComponent):
    """A question of quality, asked of every category in its scope."""

    model = question.Question

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One check per asset asked."""
        name = self.key.rsplit("/", 1)[-1]
        declared = self.catalog.questions[name]
        return dg.Definitions(asset_checks=[_check(name, declared, key) for key in asked(self.catalog, declared)])


def _check(name: str, declared: Declared, key: str) -> dg.AssetChecksDefinition:
    advice = {
        "clause": ", ".join(declared.clauses) or "none",
        "try": declared.try_,
        "runbook": declared.runbook or "docs/checks.md",
    }

    def put(house: House, instance: dg.DagsterInstance) -> Answer:
        return ask(house.runtime(instance), name, key, as_of=house.moment(), now=datetime.now(UTC))

    return answered(key, name, put, title=declared.title.en, blocking=declared.blocking, advice=advice)
