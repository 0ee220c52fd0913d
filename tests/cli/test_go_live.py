"""`genuka go-live`: asks first, needs a yes, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from genuka_pipelines.cli.main import app
from tests.cli.house import House
from tests.cli.platform import platform


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with platform(tmp_path_factory.mktemp("house")) as made:
        yield made


def on(house: House) -> bool:
    with house.control() as control:
        return control.switches.on("retention_sweep")


def test_without_a_yes_nothing_is_switched_on(house: House) -> None:
    for answer in ("n\n", "\n", ""):
        said = CliRunner().invoke(app, ["go-live"], env=house.env, input=answer)
        assert said.exit_code == 2
        assert "destroys data by itself" in said.stderr
        assert "nothing was switched on" in said.stderr
        assert not on(house)


def test_yes_switches_on_and_off_switches_off(house: House) -> None:
    said = CliRunner().invoke(app, ["go-live", "retention_sweep", "--by", "s1"], env=house.env, input="y\n")
    assert said.exit_code == 0
    assert on(house)
    done = house.genuka("go-live", "--off", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["switches"] == {"retention_sweep": False, "backup_expiry": False}
    assert not on(house)
    done = house.genuka("go-live", "--yes", "--json")
    assert {"database", "control", "stores", "switches"} <= set(done.json)
    assert done.json["switches"] == {"retention_sweep": True, "backup_expiry": True}
    assert "en service" in house.genuka("go-live", "--yes", GENUKA_LANGUAGE="fr").err


def test_bad_input_is_one_sentence(house: House) -> None:
    house.refused("go-live", "everything", "--yes", says="it is one of retention_sweep")
    house.genuka("go-live", "--off")
    house.refused("go-live", "--yes", "--by", "ada@example.org", says="cannot hold what was given for by")
    assert not on(house)
