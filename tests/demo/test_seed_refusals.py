"""What a seeding refuses: one sentence each, and nothing touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.demo.seed import Target, dedicated_refs, forget, seed
from genuka_pipelines.demo.seed.base import Base
from genuka_pipelines.demo.seed.errors import (
    BadRecipe,
    DatabaseRefused,
    ForeignDatabase,
    LoadIncomplete,
    SeedingUnderWay,
    SharedDatabase,
)
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA
from tests.demo.recipes import AS_OF
from tests.demo.seeding import Place, filled, place
from tests.servers import server

ONE: dict[str, Any] = {"companies": 1, "days": 1, "seed": 1}


@pytest.fixture(scope="module")
def empty() -> Iterator[Place]:
    with place("postgresql", 1) as made:
        yield made


@pytest.mark.parametrize(
    "wrong",
    [
        {"companies": 0}, {"companies": -3}, {"companies": 10**9}, {"companies": True}, {"companies": 1.5},
        {"days": 0}, {"days": 10**6}, {"seed": -1}, {"seed": 2**64},
        {"as_of": datetime(2026, 11, 22, 4)}, {"as_of": None},
        {"as_of": datetime(1066, 10, 14, tzinfo=UTC)}, {"as_of": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)  # fmt: skip
def test_a_recipe_without_sense(wrong: dict[str, Any], empty: Place) -> None:
    with pytest.raises(BadRecipe) as refused:
        filled(empty, **(ONE | wrong))
    one_sentence(refused.value)
    assert inspect(empty.engines[GENUKA]).get_table_names() == []


def one_sentence(error: GenukaError) -> None:
    said = str(error)
    assert said.endswith(".")
    assert "\n" not in said
    assert said.count(". ") == 0
    assert error.exit_code == 2
    assert error.__cause__ is None


def test_a_database_of_somebody_else(empty: Place) -> None:
    for name in (GENUKA, GENLETTER):
        with empty.engines[name].begin() as connection:
            connection.exec_driver_sql("CREATE TABLE precious (id int)")
        for refuse in (lambda: filled(empty, **ONE), lambda: forget(empty.target)):
            with pytest.raises(ForeignDatabase, match=name) as refused:
                refuse()
            one_sentence(refused.value)
        assert inspect(empty.engines[name]).get_table_names() == ["precious"]
        with empty.engines[name].begin() as connection:
            connection.exec_driver_sql("DROP TABLE precious")
    assert inspect(empty.engines[GENUKA]).get_table_names() == []


def test_two_at_once(empty: Place) -> None:
    other = Base(GENUKA, empty.engines[GENUKA])
    try:
        with pytest.raises(SeedingUnderWay) as refused:
            filled(empty, **ONE)
        one_sentence(refused.value)
    finally:
        other.close()


def test_one_database_for_two(empty: Place) -> None:
    twice = Target(empty.engines[GENUKA], empty.engines[GENUKA], empty.engines.__getitem__, print)
    with pytest.raises(SharedDatabase) as refused:
        seed(twice, **ONE, as_of=AS_OF)
    one_sentence(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:hush@127.0.0.1:1/x",
        "mysql+pymysql://u:hush@127.0.0.1:1/x",
        "sqlite://",
    ],
)
def test_a_database_that_cannot_be_opened(url: str, empty: Place) -> None:
    away = Target(create_engine(url), empty.engines[GENLETTER], empty.engines.__getitem__, print)
    with pytest.raises(DatabaseRefused) as refused:
        seed(away, **ONE, as_of=AS_OF)
    one_sentence(refused.value)
    assert "hush" not in str(refused.value)


def test_a_user_who_may_only_read(empty: Place) -> None:
    here = server("postgresql")
    here.run("CREATE ROLE onlooker LOGIN")
    here.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database=str(empty.engines[GENUKA].url.database))
    onlooker = create_engine(empty.engines[GENUKA].url.set(username="onlooker"))
    try:
        target = Target(onlooker, empty.engines[GENLETTER], empty.engines.__getitem__, print)
        with pytest.raises(DatabaseRefused, match=r"InsufficientPrivilege|OperationalError") as refused:
            seed(target, **ONE, as_of=AS_OF)
        one_sentence(refused.value)
    finally:
        onlooker.dispose()
        here.run("DROP ROLE onlooker")


def test_a_database_of_a_smaller_character_set() -> None:
    with place("mariadb", 2) as made:
        server("mariadb").run(f"ALTER DATABASE `{made.engines[GENUKA].url.database}` CHARACTER SET latin1")
        filled(made, companies=2, days=2)
        written = "".join(str(row["name"]) for row in made.rows(GENUKA, "tags"))
        assert "é" in written
        assert "?" not in written


def test_errors_are_of_the_house() -> None:
    for error in (BadRecipe, ForeignDatabase, SharedDatabase, SeedingUnderWay, DatabaseRefused, LoadIncomplete):
        assert issubclass(error, GenukaError)


def test_dedicated_databases_grow_with_companies() -> None:
    assert [len(dedicated_refs(count)) for count in (1, 9, 10, 249, 250, 500, 100_000)] == [0, 0, 1, 1, 2, 3, 5]
