"""Says a verdict on a row: until when it is kept, by which clause, and what each of its rules promises.

"Why is this still here?" is asked by people, of whom few read an answer out of a table of dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from genuka_pipelines.catalog.promise import Minimum, Promise
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.value import Language
from genuka_pipelines.catalog.verdict import Held, Verdict
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.words.moments import say_moment
from genuka_pipelines.words.periods import say_and
from genuka_pipelines.words.reasons import say_minimum, say_promise

_TEXT: dict[str, dict[Language, str]] = {
    "until": {"fr": "Ligne conservée jusqu'au {end}{then} : {why}.", "en": "Kept until {end}{then}: {why}."},
    "since": {"fr": "Ligne à {do} depuis le {end} : {why}.", "en": "To be {do} since {end}: {why}."},
    "now": {"fr": "Ligne à {do} dès maintenant : {why}.", "en": "To be {do} now: {why}."},
    "endless": {"fr": "Ligne conservée, sans fin connue : {why}.", "en": "Kept, and no end can be told: {why}."},
    "blank": {"fr": "Ligne déjà anonyme : {why}.", "en": "Anonymous already: {why}."},
    "law_until": {"fr": "Ligne conservée par la loi jusqu'au {end} : {why}.", "en": "Kept by law until {end}: {why}."},
    "law_endless": {
        "fr": "Ligne conservée par la loi, sans fin connue : {why}.",
        "en": "Kept by law, and no end can be told: {why}.",
    },
    "idle": {
        "fr": "aucune de ses règles ne s'applique dans son état",
        "en": "none of its rules applies in its state",
    },
    "meanwhile": {
        "fr": "Ce dont la loi n'a pas besoin est rendu anonyme à partir du {end}.",
        "en": "What the law does not need is made anonymous from {end}.",
    },
    "held_until": {"fr": "Ligne gelée jusqu'au {end} : {holds}.", "en": "Held until {end}: {holds}."},
    "held": {
        "fr": "Ligne gelée jusqu'à la levée du gel : {holds}.",
        "en": "Held until the hold is lifted: {holds}.",
    },
    "unheld": {"fr": "Sans ce gel : {said}", "en": "But for that: {said}"},
    "waits": {
        "fr": "Elle attend toutefois une ligne qui doit partir avant elle, et qui reste : {why}.",
        "en": "It waits, though, for a row that must go before it, and that stays: {why}.",
    },
    "waits_above": {
        "fr": "La ligne dont elle parle est toutefois conservée par la loi, et celle-ci avec elle.",
        "en": "The row that it speaks of, though, is kept by law, and this one with it.",
    },
    "rule_until": {"fr": "{rule} : jusqu'au {end}{then}, {why}", "en": "{rule}: until {end}{then}, {why}"},
    "rule_since": {"fr": "{rule} : {over} depuis le {end}, {why}", "en": "{rule}: {over} since {end}, {why}"},
    "rule_now": {"fr": "{rule} : {over}, {why}", "en": "{rule}: {over}, {why}"},
    "rule_endless": {"fr": "{rule} : {why}", "en": "{rule}: {why}"},
    "rule_blank": {"fr": "{rule} : déjà anonyme", "en": "{rule}: anonymous already"},
    "rule_idle": {"fr": "{rule} : {why}", "en": "{rule}: {why}"},
    "law": {"fr": "la loi", "en": "the law"},
    "shared": {"fr": "Table {table} de {system}, au {at} :", "en": "Table {table} of {system}, as of {at}:"},
    "own": {
        "fr": "Table {table} de {system}, dans la base propre au client {tenant}, au {at} :",
        "en": "Table {table} of {system}, in the own database of tenant {tenant}, as of {at}:",
    },
    "unseen": {"fr": "Pas regardé : {why}", "en": "Not looked into: {why}"},
}
_ACTION: dict[str, dict[Language, tuple[str, str, str]]] = {
    "delete": {"fr": ("effacer", "", "échu"), "en": ("deleted", "", "over")},
    "anonymise": {
        "fr": ("rendre anonyme", ", puis rendue anonyme", "à rendre anonyme"),
        "en": ("anonymised", ", then anonymised", "to be anonymised"),
    },
    "drop_database": {
        "fr": ("effacer avec sa base de données", ", puis effacée avec sa base de données", "échu"),
        "en": ("dropped with its database", ", then dropped with its database", "over"),
    },
}
"""What is done with a row: to follow "to be", to follow "kept until", and in the line of a rule."""


def say_verdict(verdict: Verdict, rules: Mapping[str, Rule], vocabulary: Vocabulary, language: Language) -> list[str]:
    """Sentences: who decides and until when, then a line for each rule that they leave out.

    `rules` are those of the verdict, by the same names. There are moments, names of rules, clauses and ids
    of holds, and nothing of a person.
    """
    words = _Words(verdict, rules, vocabulary, language)
    return [*words.decision(), *(f"- {line}" for line in words.lines())]


def say_place(table: str, system: str, tenant: str | None, at: datetime, language: Language) -> str:
    """Where a row is, before what is said of it; `tenant` where it is in that tenant's own database."""
    return _TEXT["own" if tenant else "shared"][language].format(
        table=table, system=system, tenant=tenant, at=say_moment(at, language)
    )


def say_unseen(why: str, language: Language) -> str:
    """That a database could not be looked into."""
    return _TEXT["unseen"][language].format(why=why)


class _Words:
    def __init__(self, verdict: Verdict, rules: Mapping[str, Rule], vocabulary: Vocabulary, language: Language) -> None:
        self.verdict, self.rules, self.vocabulary, self.language = verdict, rules, vocabulary, language

    def decision(self) -> Iterator[str]:
        """Who decides and until when; under a hold also what would, but for it."""
        if self.verdict.unheld is None:
            yield self._decided()
            yield from self._besides()
            return
        yield self._held(self.verdict.held_by)
        said, *more = _Words(self.verdict.unheld, self.rules, self.vocabulary, self.language).decision()
        yield self._text("unheld", said=said[0].lower() + said[1:])
        yield from more

    def lines(self) -> Iterator[str]:
        """Each rule and each legal minimum that the decision leaves out."""
        said = self._deciding(self.verdict.unheld or self.verdict)
        found: list[Promise | Minimum] = [*self.verdict.promised, *self.verdict.minima]
        for one in found:
            if one == said:
                continue
            name = self._text("law") if isinstance(one, Minimum) else one.rule
            rule = name if name == one.clause else f"{name} ({one.clause})"
            yield self._text(f"rule_{self._when(one)}", rule=rule, **self._parts(one))

    def _decided(self) -> str:
        one = self._deciding(self.verdict)
        if one is None:
            return self._text("endless", why=self._text("idle"))
        when = self._when(one)
        if isinstance(one, Minimum) and when != "since":
            when = f"law_{when}"
        # once the law lets go, it is the promise that acts
        parts = {**self._parts(one), **self._action(one if isinstance(one, Promise) else self.verdict.acting)}
        return self._text(when, **{**parts, "why": f"{one.clause}, {parts['why']}"})

    @staticmethod
    def _deciding(verdict: Verdict) -> Promise | Minimum | None:
        by = verdict.decided_by
        found: Sequence[Promise | Minimum] = verdict.minima if by.why == "law" else verdict.promised
        return next((one for one in found if one.rule == by.rule), None)

    def _besides(self) -> Iterator[str]:
        verdict, by = self.verdict, self.verdict.decided_by
        law = self.rules[by.rule].law if by.why == "law" and by.rule else None
        strict = any(one.binding and one.strict for one in verdict.minima)
        if law and verdict.kept_by_law and not strict and verdict.acting:
            yield self._text("meanwhile", end=self._moment(verdict.acting.end))
        if by.why == "above":
            yield self._text("waits_above")
        if by.why == "below":
            kept = self._text("law") if verdict.below.law else ""
            held = say_and([hold.id for hold in verdict.below.holds], self.language)
            yield self._text("waits", why=say_and([why for why in (kept, held) if why], self.language))

    def _held(self, holds: Sequence[Held]) -> str:
        expiries = [hold.until for hold in holds]
        until = None if None in expiries else max(expiry for expiry in expiries if expiry)
        said = say_and([hold.id for hold in holds], self.language)
        return self._text("held_until" if until else "held", end=self._moment(until), holds=said)

    def _when(self, found: Promise | Minimum) -> str:
        if isinstance(found, Promise) and found.why == "no rule applies":
            return "idle"
        if isinstance(found, Promise) and found.blank:
            return "blank"
        if found.end is None:
            return "endless"
        if found.end > self.verdict.as_of:
            return "until"
        return "now" if isinstance(found, Promise) and found.since is None else "since"

    def _parts(self, found: Promise | Minimum) -> dict[str, str]:
        rule, end = self.rules[found.rule], self._moment(found.end)
        if isinstance(found, Promise):
            why = say_promise(found, rule, self.vocabulary, self.language)
            return {"end": end, "why": why, **self._action(found)}
        why = say_minimum(found, rule.law, self.vocabulary, self.language) if rule.law else ""
        return {"end": end, "why": why, **self._action(None)}

    def _action(self, promise: Promise | None) -> dict[str, str]:
        action = self.rules[promise.rule].action if promise else "delete"
        do, then, over = _ACTION["anonymise" if promise and promise.anonymises else action][self.language]
        return {"do": do, "then": then, "over": over}

    def _moment(self, moment: datetime | None) -> str:
        return say_moment(moment, self.language) if moment else ""

    def _text(self, name: str, **values: str) -> str:
        return _TEXT[name][self.language].format(**values)
