"""Reads one YAML file so that every error can say file and line.

YAML's silent traps (a key written twice, `no` read as false, an unknown tag) would otherwise change
a promise without anyone noticing.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import SafeConstructor

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.model_keys import keys_at

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]
_LARGEST = 1_000_000
_DEEPEST = 40
_TOO_DEEP = "the file is nested too deeply to be a fact"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BadFact(GenukaError):
    """A file of facts says what cannot be true; the sentence names file, line and what would be right."""

    def __init__(self, path: str, line: int, problem: str) -> None:
        # A key of the file may hold anything, and one sentence is one line.
        problem = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in problem)
        super().__init__(f"{path}:{line}: {problem}")
        self.path, self.line, self.problem = path, line, problem


@dataclass(frozen=True)
class YamlFile:
    """The parsed content of a file, and the line of every key in it."""

    path: Path
    shown: str
    content: dict[str, Any]
    lines: dict[Location, int]

    def line(self, at: Sequence[int | str]) -> int:
        """The 1-based line of the nearest declared ancestor of a location."""
        location = tuple(at)
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def error(self, problem: str, at: Sequence[int | str] = ()) -> BadFact:
        """An error at a location of this file."""
        return BadFact(self.shown, self.line(at), problem)


def read_yaml(path: Path, root: Path) -> YamlFile:
    """Parse a file below `root`; BadFact where it is not one plain mapping with each key once."""
    shown = path.relative_to(root.parent).as_posix()
    try:
        raw = path.read_bytes()
        if len(raw) > _LARGEST:
            raise BadFact(shown, 1, f"the file has {len(raw)} bytes; a file of facts has at most {_LARGEST}")
        node = yaml.compose(raw.decode("utf-8"), Loader=_LOADER)
    except UnicodeDecodeError as error:
        raise BadFact(shown, 1, f"byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BadFact(shown, mark.line + 1 if mark else 1, f"not valid YAML: {problem}") from None
    except RecursionError:
        raise BadFact(shown, 1, _TOO_DEEP) from None
    except OSError as error:
        raise BadFact(shown, 1, f"the file cannot be read: {error.strerror}") from None
    lines: dict[Location, int] = {}
    content = _plain(node, (), lines, shown, set())
    if not isinstance(content, dict):
        raise BadFact(shown, 1, "the file is not a mapping; it starts with 'type:' and 'attributes:'")
    return YamlFile(path, shown, content, lines)


def _plain(node: yaml.Node | None, at: Location, lines: dict[Location, int], shown: str, seen: set[int]) -> Any:
    if node is None:
        return None
    line = node.start_mark.line + 1
    lines.setdefault(at, line)
    if len(at) > _DEEPEST:
        raise BadFact(shown, line, _TOO_DEEP)
    if id(node) in seen:
        raise BadFact(shown, line, "facts use no aliases (*name); write the value out")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, key_line = _key(key_node, shown)
            if key in mapping:
                raise BadFact(shown, key_line, f"the key '{key}' is written twice; keep one")
            lines[(*at, key)] = key_line
            mapping[key] = _plain(value_node, (*at, key), lines, shown, seen)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*at, index), lines, shown, seen) for index, item in enumerate(node.value)]
    return _scalar(node, line, shown)


def _key(node: yaml.Node, shown: str) -> tuple[str, int]:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:merge":
        raise BadFact(shown, line, "a key is a plain word, not a list, a mapping or a merge")
    return str(node.value), line


def _scalar(node: yaml.Node, line: int, shown: str) -> Any:
    try:
        return SafeConstructor().construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError):
        raise BadFact(shown, line, "this value has a type that facts do not use; write plain text") from None


def validate(model: type[Model], file: YamlFile, at: Location = ("attributes",)) -> Model:
    """The model built from the file's attributes; BadFact with the line and the valid choices."""
    attributes = file.content.get("attributes")
    if not isinstance(attributes, dict):
        raise file.error("'attributes:' is missing or is not a mapping", at)
    try:
        return model.model_validate(attributes)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
        where = [part for part in first["loc"] if not str(part).startswith("function-")]
        more = f" (and {len(problems) - 1} more in this file)" if len(problems) > 1 else ""
        raise file.error(_sentence(model, first, where) + more, (*at, *where)) from None


def _sentence(model: type[BaseModel], problem: Any, where: Sequence[int | str]) -> str:
    name = ".".join(str(part) for part in where) or "attributes"
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"'{name}' is not a key here; {_choices(str(where[-1]), keys_at(model, where[:-1]))}"
    if kind == "missing":
        return f"'{name}' is missing"
    if kind == "value_error":
        return f"{name}: {problem['ctx']['error']}"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{name}: {message}"


def _choices(word: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(word, valid, 1)
    listed = ", ".join(valid) if valid else "none"
    return f"did you mean '{near[0]}'? Valid keys: {listed}" if near else f"valid keys: {listed}"
