"""One asset check per question and asset: the answer, its counts, and what to do when it is no."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.catalog import question
from genuka_pipelines.catalog.keepers import asked
from genuka_pipelines.catalog.question import Question as Declared
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence
from genuka_pipelines.quality.asking import ask

SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


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

    @dg.asset_check(
        asset=dg.AssetKey(key.split("/")),
        name=name,
        description=declared.title.en,
        blocking=declared.blocking,
        required_resource_keys={RESOURCE},
        metadata=dict(advice),
    )
    def _ask(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        house: House = getattr(context.resources, RESOURCE)
        with one_sentence(**advice):
            answer = ask(house.runtime(context.instance), name, key, as_of=house.moment(), now=datetime.now(UTC))
        return dg.AssetCheckResult(
            passed=answer.passed,
            severity=SEVERITY[answer.severity],
            metadata={**answer.shown, **({} if answer.passed else advice)},
        )

    return _ask
