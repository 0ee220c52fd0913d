"""`genuka affected`: a text on disk against the facts, with no database and without keeping a word of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalog.deployment import write
from tests.cli.house import House
from tests.report.test_affected import LINES, deployment, text_of


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Facts, and nothing that is running."""
    folder = tmp_path_factory.mktemp("house")
    return House({"GENUKA_HOME": str(folder / "home"), "GENUKA_ASSETS": str(write(folder, deployment()))})


def saved(folder: Path, content: str | bytes) -> str:
    file = folder / "new.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


def test_what_is_touched_is_one_object(house: House, tmp_path: Path) -> None:
    new = text_of(["Titre", "Deux mois au plus.", LINES[2], "Neuf.", *LINES[3:]])
    said = house.genuka("affected", "--policy", "shop", "--text", saved(tmp_path, new), "--json")
    assert (said.code, said.err) == (0, "")
    found = said.json
    (clause,) = found.pop("clauses")
    keepers = clause.pop("keepers")
    assert "check:shop/recordings#as_declared" in keepers
    assert found.pop("checks") == [keeper.removeprefix("check:") for keeper in keepers if keeper.startswith("check:")]
    assert found.pop("assets") == [keeper.removeprefix("asset:") for keeper in keepers if keeper.startswith("asset:")]
    touched = {"categories": ["shop/recordings"], "rules": ["shop/recordings#recordings.SH-01"]}
    assert clause == {"id": "SH-01", **touched}
    assert found == {
        "policy": "shop",
        "version": "2024-05-03",
        "same_text": False,
        "changed": [{"at": [[6, 24]], "was": [[6, 22]], "clauses": ["SH-01"]}],
        "moved": [],
        "new": [{"at": [[39, 44]], "was": [], "clauses": []}],
        "gone": [],
        **touched,
    }


def test_no_word_of_the_text_is_kept_or_shown(house: House, tmp_path: Path) -> None:
    text = saved(tmp_path, text_of(["Titre", "Quetsche mois au plus.", *LINES[2:]]))
    shown = house.genuka("affected", "--policy", "shop", "--text", text)
    stored = house.genuka("affected", "--policy", "shop", "--text", text, "--json")
    assert "Quetsche" not in shown.out + shown.err + stored.out
    (row,) = [line.split() for line in shown.out.splitlines() if "changed" in line]
    assert row[1:-1] == ["changed", "│", "2", "│", "1", "│", "1", "│", "SH-01"]
    assert not Path(house.env["GENUKA_HOME"]).exists()


def test_the_same_text_says_so_in_both_languages(house: House, tmp_path: Path) -> None:
    text = saved(tmp_path, text_of(LINES))
    ask = ("affected", "--policy", "shop", "--text", text)
    assert house.genuka(*ask).err == "no sentence differs\n"
    assert house.genuka(*ask, GENUKA_LANGUAGE="fr").err == "aucune phrase ne diffère\n"
    assert house.genuka(*ask, "--json").json["clauses"] == []


def test_what_is_no_policy_is_refused(house: House, tmp_path: Path) -> None:
    text = saved(tmp_path, text_of(LINES))
    house.refused("affected", "--policy", "shpo", "--text", text, says="write shop")
    for content, says in {b"": "holds no word", b" \n|": "holds no word", b"\xff": "not UTF-8 at byte 0",
                          b"a" * 1_000_001: "more than 1000000 bytes"}.items():  # fmt: skip
        house.refused("affected", "--policy", "shop", "--text", saved(tmp_path, content), says=says)
    for path in (tmp_path, tmp_path / "nothing.txt"):
        house.refused("affected", "--policy", "shop", "--text", str(path), says="--text cannot be read")


def test_the_real_policies_touch_what_keeps_them(tmp_path: Path) -> None:
    """Without the published text: a text of one new sentence leaves every clause without its words."""
    house = House({"GENUKA_HOME": str(tmp_path / "home")})
    said = house.genuka("affected", "--policy", "genuka", "--text", saved(tmp_path, "Plus rien."), "--json")
    assert said.code == 0
    assert len(said.json["clauses"]) == 58
    assert all(clause["keepers"] for clause in said.json["clauses"])
    (recordings,) = [clause for clause in said.json["clauses"] if clause["id"] == "GK-39"]
    assert "genuka/session_recordings" in recordings["categories"]
    assert any(rule.startswith("genuka/session_recordings#") for rule in recordings["rules"])
