"""Every title, column and sentence that a command shows to people exists in French, with the same blanks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import genuka_pipelines.cli
from genuka_pipelines.cli.texts import FRENCH, said
from genuka_pipelines.settings import Misconfigured, language_of, load_settings

COMMANDS = sorted(Path(genuka_pipelines.cli.__file__).parent.glob("*.py"))
SHOWN = {"said", "table", "say"}
_STATES = ["kept", "broken", "unproven", "procedure", "planned", "not switched on", "controller", "processor",
           "changed", "moved", "new", "gone", "confirmed", "dismissed",
           "check", "load", "prove", "gate", "publish"]  # fmt: skip
"""Values of the rooms below that are shown in cells."""


def texts(file: Path) -> set[str]:
    """The constants that a command hands to `said`, to `table` as title and columns, or bare to `say`."""
    found: set[str] = set()
    tree = ast.parse(file.read_text())
    named = {
        target.id: constants(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SHOWN:
            for argument in node.args[: 2 if node.func.id == "table" else 1]:
                found |= named.get(argument.id, set()) if isinstance(argument, ast.Name) else constants(argument)
    return found


def constants(node: ast.expr) -> set[str]:
    """The whole texts an expression may be; those inside another call are that call's own."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return constants(one) | constants(other)
        case ast.Tuple(elts=items):
            return set().union(*map(constants, items))
    return set()


@pytest.mark.parametrize("file", COMMANDS, ids=[file.stem for file in COMMANDS])
def test_what_a_command_shows_exists_in_french(file: Path) -> None:
    assert texts(file) - FRENCH.keys() == set()


def test_the_commands_are_really_read() -> None:
    found = set().union(*map(texts, COMMANDS))
    assert {"Clauses", "kept by", "Findings that wait", "{entries} entries, NOT intact", "stopped"} <= found
    assert FRENCH.keys() - found - set(_STATES) == set()
    assert set(_STATES) <= FRENCH.keys()


@pytest.mark.parametrize("english", FRENCH)
def test_both_languages_have_the_same_blanks(english: str) -> None:
    blanks = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, FRENCH[english])]
    assert blanks[0] == blanks[1]


def test_the_language_is_told_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said("anchored entry {seq}", seq=4) == "anchored entry 4"
    monkeypatch.setenv("GENUKA_LANGUAGE", "FR")
    assert said("anchored entry {seq}", seq=4) == "entrée 4 ancrée"
    assert load_settings().language == language_of() == "fr"
    monkeypatch.setenv("GENUKA_LANGUAGE", "de")
    for ask in (load_settings, language_of):
        with pytest.raises(Misconfigured, match=r"^GENUKA_LANGUAGE is not a language of this program: write fr or en$"):
            ask()
