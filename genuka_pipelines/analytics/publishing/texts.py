"""What every analyst has to know of a table, in sentences made from its definition.

An error bar tells of the noise alone; that much of somebody's visits was not counted at all is told by
nothing else, and a figure without it is read as more than it is. How much that is would tell of people and
have to be paid for by every figure beside it: the bounds are told, which nobody's rows changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from genuka_pipelines.catalog.published import AnonymisedTable, UnitClass
from genuka_pipelines.catalog.value import Language

_SAID: dict[str, dict[Language, str]] = {
    "protects": {
        "fr": "Ce qui est protégé est une unité ({unit}) : avec ou sans elle, une publication en dit presque autant "
        "(ε = {epsilon:g}{delta}) ; qui en compte plusieurs est d'autant moins protégé.",
        "en": "What is protected is one unit ({unit}): with or without it, a release tells nearly the same "
        "(ε = {epsilon:g}{delta}); whoever is several of them is protected that much less.",
    },
    "clipped": {
        "fr": "Cellules d'une période où compte une unité : {groups} au plus{bounds} ; ce qui dépasse n'est pas "
        "compté : un total est au-dessous du vrai, et l'intervalle n'en dit rien.",
        "en": "Cells of a period that a unit counts in: at most {groups}{bounds}; what exceeds that is not counted: "
        "a total is below the true one, and the interval does not tell of it.",
    },
    "at_most": {
        "fr": ", pour {at_most} lignes par cellule au plus ({name})",
        "en": ", for at most {at_most} rows in a cell ({name})",
    },
    "between": {
        "fr": ", pour {least} à {most} par cellule ({name})",
        "en": ", for {least} to {most} in a cell ({name})",
    },
    "edges": {
        "fr": ", pour une valeur par cellule, de {least} à {most} ({name})",
        "en": ", for one value in a cell, from {least} to {most} ({name})",
    },
    "minimum": {
        "fr": "Une cellule de moins de {minimum} unités n'est pas dite : son absence ne veut pas dire zéro.",
        "en": "A cell of fewer than {minimum} units is not told: that it is absent does not mean zero.",
    },
    "private": {
        "fr": "Les valeurs de {names} ne paraissent que si beaucoup d'unités les portent.",
        "en": "Values of {names} appear only where many units bear them.",
    },
    "totals": {
        "fr": "N'additionnez pas les périodes : les unités s'y répètent et le bruit s'ajoute.",
        "en": "Do not add periods up: units appear in several of them, and their noise adds up.",
    },
    "older": {
        "fr": "Périodes faites par une définition antérieure : {older} ; leur note le signale.",
        "en": "Periods made by an earlier definition: {older}; their note says so.",
    },
}
EARLIER: dict[Language, str] = {
    "fr": "période faite par une définition antérieure",
    "en": "made by an earlier definition",
}


def caveats(table: AnonymisedTable, unit: UnitClass, *, older: int, language: Language) -> tuple[str, ...]:
    """The sentences; `older` is a number of periods.

    That periods are not to be added up is said unless every unit has one period only.
    """
    return tuple(_caveats(table, unit, older, language))


def _caveats(table: AnonymisedTable, unit: UnitClass, older: int, language: Language) -> Iterator[str]:
    def said(key: str, **values: object) -> str:
        return _SAID[key][language].format(**values)

    delta = f", δ = {table.budget.delta:g}" if table.budget.delta else ""
    yield said("protects", unit=unit.title(language), epsilon=table.budget.epsilon, delta=delta)
    bounds = ""
    for name, measure in table.measures.items():
        if measure.at_most:
            bounds += said("at_most", at_most=measure.at_most, name=name)
        elif measure.between:
            bounds += said("between", least=measure.between[0], most=measure.between[1], name=name)
        elif measure.edges:
            bounds += said("edges", least=measure.edges[0], most=measure.edges[-1], name=name)
    yield said("clipped", groups=table.groups, bounds=bounds)
    if table.minimum:
        yield said("minimum", minimum=table.minimum)
    if private := [name for name, dimension in table.dimensions.items() if dimension.private]:
        yield said("private", names=", ".join(private))
    if not table.once:
        yield said("totals")
    if older:
        yield said("older", older=older)
    if table.caveat:
        yield table.caveat(language)
