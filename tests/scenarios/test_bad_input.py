"""Wrong addresses, words and moments: one sentence, exit 2, no traceback, no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.said import Said
from tests.scenarios.houses import House

SECRET = "s3cr3t-w0rd"


def refused(house: House, *arguments: str, says: str, **env: str) -> str:
    """The one sentence of a refused command."""
    return sentence(house.here(*arguments, **env), says)


def sentence(said: Said, says: str) -> str:
    assert said.code == 2, (said.code, said.out[-500:], said.err[-1500:])
    assert "Traceback" not in said.err
    assert SECRET not in said.err + said.out
    assert says in said.err, said.err
    return said.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("seed", "--companies", "0"), "companies"),
        (("seed", "--companies", "many"), "companies"),
        (("seed", "--days", "-3"), "days"),
        (("seed", "--as-of", "yesterday"), "is not a moment"),
        (("demo", "--as-of", "2026-13-01"), "is not a moment"),
        (("sweep",), "No such command"),
        (("catalog", "--xml"), "No such option"),
    ],
)
def test_wrong_words(empty_house: House, arguments: tuple[str, ...], says: str) -> None:
    refused(empty_house, *arguments, says=says)


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"GENUKA_DATABASE_URL": "oracle://x/y"}, "GENUKA_DATABASE_URL"),
        ({"GENUKA_DATABASE_URL": "not an address"}, "GENUKA_DATABASE_URL"),
        ({"GENUKA_DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:1/genuka"}, "genuka"),
        ({"GENUKA_DATABASE_URL": f"mysql://u:{SECRET}@127.0.0.1:1/genuka"}, "genuka"),
        ({"GENUKA_DATABSE_URL": "postgresql://x/y"}, "GENUKA_DATABASE_URL"),
        ({"GENUKA_STORE_FRANCE": "ftp://x"}, "GENUKA_STORE_FRANCE"),
        ({"GENUKA_ASSETS": "/nowhere/at/all"}, "GENUKA_ASSETS"),
    ],
)
def test_wrong_settings(seeded_house: House, env: dict[str, str], says: str) -> None:
    refused(seeded_house, "seed", "--companies", "3", "--days", "3", says=says, **env)


def test_a_process_of_its_own_says_the_same(seeded_house: House) -> None:
    sentence(seeded_house.genuka("seed", "--days", "-3"), "days")
    away = {"GENUKA_DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:1/genuka"}
    assert sentence(seeded_house.genuka("seed", **away), "genuka").count("\n") == 1


def test_commands_before_up_say_so(tmp_path: Path, empty_house: House) -> None:
    refused(empty_house, "ledger", "verify", says="genuka up", GENUKA_HOME=str(tmp_path / "new"))


def test_a_home_that_cannot_be_written_says_so(empty_house: House) -> None:
    refused(empty_house, "up", says="/proc", GENUKA_HOME="/proc/genuka")


def test_the_catalogue_without_a_database_is_shown_and_says_what_is_unknown(tmp_path: Path, empty_house: House) -> None:
    said = empty_house.here("catalog", "--json", GENUKA_HOME=str(tmp_path / "none"))
    assert said.code == 0
    assert said.json["undeclared"] is None
    assert "unknown" in said.err
    assert {clause["status"] for clause in said.json["clauses"]} <= {"unproven", "planned", "procedure"}


def test_a_python_file_beside_facts_is_refused(tmp_path: Path, seeded_house: House) -> None:
    from tests.catalog.deployment import facts, write

    assets = write(tmp_path, facts())
    (assets / "shop" / "recordings" / "helper.py").write_text("x = 1\n")
    refused(seeded_house, "catalog", says="helper.py", GENUKA_ASSETS=str(assets))
