"""A question as an asset check: the answer, its counts, and what to do when it is no."""

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path

import dagster as dg

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence

_ROOMS = Path(__file__).parents[1]
SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


@cache
def asks(room: str, check: str) -> str:
    """The question of a check, as the module begins that answers it: `<room>/questions/<check>.py`, not imported."""
    text = (_ROOMS / room / "questions" / f"{check}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or check).splitlines()[0]


def answered(
    key: str,
    name: str,
    ask: Callable[[House, dg.DagsterInstance], Answer],
    *,
    title: str,
    blocking: bool,
    advice: dict[str, str],
) -> dg.AssetChecksDefinition:
    """The check `name` of the asset `key`, answered by `ask`; `advice` is shown with every no."""

    @dg.asset_check(
        asset=dg.AssetKey(key.split("/")),
        name=name,
        description=title,
        blocking=blocking,
        required_resource_keys={RESOURCE},
        metadata=dict(advice),
    )
    def _ask(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        house: House = getattr(context.resources, RESOURCE)
        with one_sentence(**advice):
            answer = ask(house, context.instance)
        return dg.AssetCheckResult(
            passed=answer.passed,
            severity=SEVERITY[answer.severity],
            metadata={**answer.shown, **({} if answer.passed else advice)},
        )

    return _ask
