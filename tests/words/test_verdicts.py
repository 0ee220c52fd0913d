"""What a person is told of one row: for each way in which its end is decided, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from genuka_pipelines.catalog.promise import Reading
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.value import Language, Words
from genuka_pipelines.catalog.verdict import Below, Held, verdict
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.words.moments import say_moment
from genuka_pipelines.words.verdicts import say_place, say_unseen, say_verdict
from tests.words.golden import agreed

AS_OF = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
VOCABULARY = Vocabulary(
    purposes={},
    subjects={},
    classifications={},
    events={
        "decided_at": Words(fr="la décision", en="the application is decided"),
        "ulid:id": Words(fr="la création de la ligne", en="the row is made"),
        "deleted_at": Words(fr="la suppression dans l'application", en="they are deleted in the application"),
        "ended_at": Words(fr="leur fin", en="they end"),
        "last_used_at": Words(fr="la dernière utilisation", en="the last use"),
        "subscription_ended_at": Words(fr="la fin de l'abonnement", en="the subscription ends"),
        "issued_at": Words(fr="l'émission de la dernière facture", en="the last invoice is issued"),
        "left_at": Words(fr="la fin du contrat de travail", en="the employment contract ends"),
    },
    triggers={"on_request": Words(fr="sur demande", en="on request")},
)
APPLICANT = {"name": "not_hired", "keep": "P3Y", "since": "decided_at", "otherwise": "ulid:id", "clause": "GK-33",
             "when": {"hired_at": "absent"}}  # fmt: skip
DELETED = {"name": "deleted_on_request", "keep": "P1M", "since": "deleted_at", "clause": "GK-14"}
RECORDING = {"keep": "P1M", "since": "ended_at", "sooner": {"on_request": "asked_at"}, "clause": "GK-39"}
USED = {"latest": ["last_used_at", "subscription_ended_at"]}
DATABASE = {"name": "last_use", "keep": "P4M", "since": "subscription_ended_at", "action": "drop_database",
            "floor": {"keep": "P4M", "since": USED}, "sooner": {"on_request": "asked_at"},
            "clause": "GK-38"}  # fmt: skip
INVOICES = {"since": "issued_at", "minimum": {"CM": "P10Y", "FR": "P10Y"}, "basis": "OHADA AUDCIF art. 24"}
CUSTOMER = {"name": "former_customer", "keep": "P3Y", "since": "subscription_ended_at", "law": INVOICES,
            "clause": "GK-32"}  # fmt: skip
LABOUR = {"since": "left_at", "minimum": {"CM": "P10Y", "FR": "P5Y"}, "country": "country", "meanwhile": "keep",
          "basis": "Code du travail"}  # fmt: skip
EMPLOYEE = {"name": "contract_over", "keep": "P0D", "since": "left_at", "law": LABOUR, "clause": "GK-34"}
HOLD = Held("hold-7")


def on(year: int, month: int = 1, day: int = 1, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def read(rule: Mapping[str, Any], applies: bool = True, **said: Any) -> Reading:
    """What a row says of a rule: moments by column, the rest as of a reading."""
    own = {name: said.pop(name) for name in list(said) if name in Reading.__dataclass_fields__}
    value = Rule.model_validate(rule)
    flags = {one: found for one, found in said.items() if isinstance(found, bool)}
    moments = {one: said.get(one.removeprefix("ulid:")) for one in value.references if one not in flags}
    return Reading(value, applies, moments, flags, **own)


CASES: dict[str, tuple[list[Reading], dict[str, Any]]] = {
    "not yet": ([read(APPLICANT, decided_at=on(2024, 3, 4))], {}),
    "not yet, to the second": ([read(RECORDING, ended_at=on(2026, 11, 1, 10, 12, 30))], {}),
    "over": ([read(APPLICANT, decided_at=on(2023, 3, 1))], {}),
    "the date is missing, another serves": ([read(APPLICANT, id=on(2024, 3, 4, 10, 12))], {}),
    "a lower ceiling": ([read({**APPLICANT, "ceiling": "P2Y"}, decided_at=on(2025, 3, 4))], {}),
    "on request": ([read(RECORDING, ended_at=on(2026, 11, 21), asked_at=on(2026, 11, 22))], {}),
    "on request, later": ([read(RECORDING, ended_at=on(2026, 11, 21), asked_at=on(2026, 11, 23))], {}),
    "on request, by a flag": ([read(RECORDING, ended_at=on(2026, 11, 21), asked_at=True)], {}),
    "a floor": ([read(DATABASE, subscription_ended_at=on(2026, 1), last_used_at=on(2026, 9, 30))], {}),
    "a floor without its date": (
        [read({**DATABASE, "floor": {"keep": "P4M", "since": "last_used_at"}}, subscription_ended_at=on(2026, 1))], {}
    ),
    "a database to drop": ([read(DATABASE, subscription_ended_at=on(2026, 1), last_used_at=on(2025, 9))], {}),
    "the law, the rest anonymised": (
        [read(CUSTOMER, subscription_ended_at=on(2020, 5, 1), issued_at=on(2020, 4, 30), concerned=True)], {}
    ),
    "the law, as it is": ([read(EMPLOYEE, left_at=on(2024, 2, 29), country="FR", concerned=True)], {}),
    "the law, country unknown": ([read(EMPLOYEE, left_at=on(2024, 2, 29), concerned=True)], {}),
    "the law, without a date": ([read(CUSTOMER, subscription_ended_at=on(2020, 5, 1), concerned=True)], {}),
    "the law is over": ([read(EMPLOYEE, left_at=on(2019, 2, 28), country="FR", concerned=True)], {}),
    "held": ([read(APPLICANT, decided_at=on(2023, 3, 1))], {"holds": [HOLD]}),
    "held for a time, twice": (
        [read(APPLICANT, decided_at=on(2024, 3, 4))],
        {"holds": [Held("hold-7", on(2027, 1, 1)), Held("hold-8", on(2028, 1, 1, 12))]},
    ),
    "held, and by the law": (
        [read(CUSTOMER, subscription_ended_at=on(2020, 5, 1), issued_at=on(2020, 4, 30), concerned=True)],
        {"holds": [HOLD]},
    ),
    "a row below is held": ([read(DELETED, deleted_at=on(2026, 1))], {"below": Below(holds=(HOLD, Held("hold-8")))}),
    "a row below is kept by law": ([read(DELETED, deleted_at=on(2026, 1))], {"below": Below(law=True)}),
    "nothing dates it": ([read(APPLICANT)], {}),
    "nothing applies": ([read(APPLICANT, applies=False, decided_at=on(2023))], {}),
    "no rule at all": ([], {}),
    "several rules": (
        [
            read(APPLICANT, decided_at=on(2024, 3, 4)),
            read({**APPLICANT, "name": "not_to_be_kept", "keep": "P0D", "when": {"keep_opt_out_at": "present"}}, False),
            read(DELETED),
            read(EMPLOYEE, applies=False, left_at=on(2019), country="CM", concerned=True),
        ],
        {},
    ),
    "kept with a row that has gone": ([read(DELETED, applies=False, gone=True)], {}),
    "kept with a row that is missing": ([read({**DELETED, "when": {}}, applies=False)] * 2, {}),
    "to be anonymised with another": (
        [read(DELETED), read(CUSTOMER, subscription_ended_at=on(2020), anonymises=True)], {}
    ),
    "anonymous already": (
        [read(DELETED), read(CUSTOMER, subscription_ended_at=on(2020), anonymises=True, blank=True)], {}
    ),
    "only anonymised, later": (
        [read({**DELETED, "action": "anonymise"}, deleted_at=on(2026, 11, 1), anonymises=True)], {}
    ),
    "the other row is kept by law": (
        [read(CUSTOMER, subscription_ended_at=on(2020), anonymises=True, above_kept=True)], {}
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", get_args(Language))
def test_a_verdict_reads_as_agreed(language: Language) -> None:
    lines = []
    for name, (readings, more) in CASES.items():
        named = {reading.rule.name or reading.rule.clause: reading for reading in readings}
        found = verdict(named, AS_OF, **more)
        rules = {one: reading.rule for one, reading in named.items()}
        lines += [f"# {name}", *say_verdict(found, rules, VOCABULARY, language), ""]
    agreed(f"verdicts.{language}.txt", lines)


def test_where_a_row_is_and_what_was_not_looked_into() -> None:
    assert (
        say_place("orders", "shop", None, AS_OF, "en") == "Table orders of shop, as of 22 November 2026 at 03:15 UTC:"
    )
    assert "base propre au client t1" in say_place("orders", "shop", "t1", AS_OF, "fr")
    assert say_unseen("it does not answer", "fr") == "Pas regardé : it does not answer"


@pytest.mark.parametrize(
    ("moment", "french", "english"),
    [
        (on(2027, 3, 4), "4 mars 2027", "4 March 2027"),
        (on(2027, 8, 1), "1er août 2027", "1 August 2027"),
        (on(2027, 3, 4, 10, 12), "4 mars 2027 à 10:12 UTC", "4 March 2027 at 10:12 UTC"),
        (on(2027, 3, 4, 0, 0, 9), "4 mars 2027 à 00:00:09 UTC", "4 March 2027 at 00:00:09 UTC"),
        (datetime.fromisoformat("2027-03-04T00:30+01:00"), "3 mars 2027 à 23:30 UTC", "3 March 2027 at 23:30 UTC"),
    ],
)
def test_a_moment_in_words(moment: datetime, french: str, english: str) -> None:
    assert (say_moment(moment, "fr"), say_moment(moment, "en")) == (french, english)
