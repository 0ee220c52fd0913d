"""The server's filter never holds back what a detector would flag, on a real PostgreSQL and MariaDB."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.quality.detectors import (
    Detector,
    UnknownDialect,
    UnportableGate,
    detectors,
    find,
    prefilter,
)
from genuka_pipelines.quality.detectors.gate import Dialect, either, gate
from tests.conftest import SEED
from tests.quality.corpora import business_texts, corpus
from tests.quality.corpora.disguises import DISGUISES
from tests.servers import Kind, fresh_database

WORN = ("decomposed accents", "JSON within JSON", "numeric entities")
NAMES = ["cards", "special_categories", "health", "contacts", "plain_password", "weak_password_hash"]
KINDS: list[Kind] = ["postgresql", "mariadb"]
MATCHES = {"postgresql": "~", "mariadb": "REGEXP"}


@functools.cache
def texts() -> list[str]:
    """A part of every corpus, what is to be found in three disguises, ordinary texts, and what servers stumble on."""
    names = ("cards", "special", "passwords", "contacts")
    plain = [case.text for name in names for case in (*corpus(name)[::4], *corpus(f"{name}_held_out"))]
    wear = itertools.cycle(DISGUISES[one] for one in WORN)
    worn = [next(wear)(case.text) for name in ("cards", "special") for case in corpus(name) if case.kinds]
    odd = [
        "",
        "\n",
        "%",
        "\\",
        "'",
        "😕 4242 4242 4242 4242",
        "4242424242424242\n",
        "é" * 1000,
        "$2y$10$" + "a" * 53 + "\n",
        "$2Y$10$" + "a" * 53,
    ]
    long = ["mot " * 2_000 + "carte 4242 4242 4242 4242", "1 a " * 2_000, "4242 4242 " * 1_000, "je " * 2_000]
    return [text for text in (*plain, *worn, *business_texts(100, SEED), *odd, *long) if "\0" not in text]


@functools.cache
def flagged(name: str) -> set[int]:
    return {found.row for found in find(texts(), detectors(name))}


@pytest.fixture(scope="module", params=KINDS)
def table(request: pytest.FixtureRequest) -> Iterator[tuple[Kind, sa.Connection]]:
    """A server with the texts in a column of its own usual kind."""
    kind: Kind = request.param
    with fresh_database(kind) as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            column = "text" if kind == "postgresql" else "longtext"
            connection.execute(sa.text(f"CREATE TABLE seen (place integer PRIMARY KEY, told {column})"))
            rows = [{"place": place, "told": told} for place, told in enumerate(texts())]
            connection.execute(sa.text("INSERT INTO seen VALUES (:place, :told)"), rows)
            connection.commit()
            yield kind, connection
        engine.dispose()


@pytest.mark.parametrize("name", NAMES)
def test_a_server_ships_all_that_is_flagged_and_not_all_there_is(name: str, table: tuple[Kind, sa.Connection]) -> None:
    kind, connection = table
    pattern = prefilter(name, kind)
    query = sa.text(f"SELECT place FROM seen WHERE told {MATCHES[kind]} :pattern")
    shipped = set(connection.execute(query, {"pattern": pattern}).scalars())
    assert flagged(name), "there is something to find"
    assert flagged(name) <= shipped, [texts()[place][:80] for place in flagged(name) - shipped]
    assert len(shipped) < len(texts())


@pytest.mark.parametrize(
    "column", ["char(60) CHARACTER SET ascii", "varchar(200) CHARACTER SET latin1", "text COLLATE utf8mb4_bin"]
)
def test_mariadb_ships_from_a_column_of_another_character_set(column: str) -> None:
    said = ["Je suis catholique.", "carte 4242424242424242", "rien"]
    with fresh_database("mariadb") as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"CREATE TABLE seen (place int, told {column})"))
            rows = [{"place": place, "told": told} for place, told in enumerate(said)]
            connection.execute(sa.text("INSERT INTO seen VALUES (:place, :told)"), rows)
            for name, place in (("religious_belief", 0), ("card_number", 1)):
                query = sa.text("SELECT place FROM seen WHERE told REGEXP :pattern")
                pattern = prefilter(name, "mariadb")
                assert list(connection.execute(query, {"pattern": pattern}).scalars()) == [place]
        engine.dispose()


def _python(pattern: str) -> re.Pattern[str]:
    """A server's expression as Python reads it: the escapes are the servers' own."""
    named = re.sub(r"\\x\{([0-9a-f]+)\}|\\U([0-9a-f]{8})", lambda code: chr(int(code[1] or code[2], 16)), pattern)
    return re.compile(named.replace("(?s-i)", "(?s)"))


@functools.cache
def _compiled(name: str, dialect: Dialect) -> re.Pattern[str]:
    return _python(prefilter(name, dialect))


@given(st.sampled_from(NAMES), st.data())
def test_whatever_is_flagged_passes_the_filter(name: str, data: st.DataObject) -> None:
    known = data.draw(st.sampled_from([texts()[place] for place in sorted(flagged(name))]))
    worn = data.draw(st.sampled_from(list(DISGUISES.values())))(known)
    cut = data.draw(st.integers(0, 12))
    value = data.draw(st.text(max_size=12)) + worn[cut:] + data.draw(st.text(max_size=12))
    dialects: tuple[Dialect, ...] = ("postgresql", "mariadb", "mysql")
    if find([value], detectors(name)):
        assert all(_compiled(name, dialect).search(value) for dialect in dialects)


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_is_written_in_ascii(name: str) -> None:
    assert prefilter(name, "postgresql").isascii()
    assert prefilter(name, "mariadb").isascii()


def test_a_coarse_filter_lets_through_what_the_ways_do() -> None:
    for detector in detectors("cards", "contacts"):
        assert detector.gate.coarse
        coarse = re.compile(f"(?is){detector.gate.coarse}")
        missed = [text for text in texts() if _past(detector, text) and not coarse.search(text)]
        assert missed == []


def _past(detector: Detector, text: str) -> bool:
    return any(all(re.search(detector.gate.local(part), text) for part in way) for way in detector.gate.ways)


@pytest.mark.parametrize("pattern", [r"\d{12}", r"\bcarte", "a*?b", "(?=x)", "(?i)x", "a++", r"\x41", r"\s"])
def test_what_the_engines_do_not_share_is_refused(pattern: str) -> None:
    with pytest.raises(UnportableGate, match="do not share"):
        gate(pattern)


def test_detectors_that_share_no_expression_say_so() -> None:
    with pytest.raises(UnportableGate, match="one of their kinds at a time"):
        prefilter("passwords", "postgresql")


def test_an_unknown_dialect_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownDialect, match="no prefilter for 'oracle': use one of postgresql, mariadb, mysql"):
        prefilter("cards", "oracle")  # type: ignore[arg-type]


def test_either_of_one_gate_is_that_gate() -> None:
    one = gate("a", ("b", "c"))
    assert either((one, one)) is one
    assert either((one, gate("d"))).ways == (("a",), ("b", "c"), ("d",))
