"""Loads a folder of facts into a `Catalog`, or refuses with one sentence.

The terminal, the tests and Dagster all come through here, so a fact is parsed and judged once.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from genuka_pipelines.catalog.backup import BackupPlan
from genuka_pipelines.catalog.catalogue import KINDS, Catalog, Fact
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.evidence import Ledger
from genuka_pipelines.catalog.export import ExportPlan
from genuka_pipelines.catalog.links import broken_links
from genuka_pipelines.catalog.policy import PlannedKeepers, Policy
from genuka_pipelines.catalog.procedure import Procedure
from genuka_pipelines.catalog.processor import Processor
from genuka_pipelines.catalog.published import AnonymisedTable, Privacy
from genuka_pipelines.catalog.question import Question
from genuka_pipelines.catalog.request import RequestPlan
from genuka_pipelines.catalog.sweep import Sweep
from genuka_pipelines.catalog.value import Value
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.catalog.yaml_file import BadFact, YamlFile, read_yaml, validate

COMPONENTS = "genuka_pipelines.components."
_NAME = "defs.yaml"
_Kind = TypeVar("_Kind", bound=Value)


def default_root() -> Path:
    """The folder of facts of this project."""
    import assets

    return Path(assets.__file__).parent


@cache
def load_catalog(root: Path | None = None) -> Catalog:
    """The catalogue of a folder; BadFact names file, line and what would be right."""
    root = (root or default_root()).resolve()
    if not root.is_dir():
        raise BadFact(root.name, 1, "the folder of facts does not exist; it holds one defs.yaml per thing")
    facts: dict[str, Fact] = {}
    files: dict[str, YamlFile] = {}
    for path in _fact_files(root):
        file = read_yaml(path, root)
        model = _model(file)
        if model is not None:
            key = path.parent.relative_to(root).as_posix()
            facts[key] = validate(model, file)
            files[key] = file
    catalog = _assemble(root, facts, files)
    for key, at, problem in broken_links(catalog):
        raise files[key].error(problem, at) if key in files else BadFact(root.name, 1, problem)
    return catalog


def _fact_files(root: Path) -> list[Path]:
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts or path == root / "__init__.py":
            continue
        shown = path.relative_to(root.parent).as_posix()
        if path.suffix == ".py":
            raise BadFact(shown, 1, "facts are YAML; Python here is never loaded: move it to genuka_pipelines/")
        if path.name != _NAME:
            raise BadFact(shown, 1, f"a folder of facts holds one file, {_NAME}; rename or remove this one")
        found.append(path)
    return found


def _model(file: YamlFile) -> type[Fact] | None:
    kind = str(file.content.get("type") or "")
    if kind.startswith("dagster."):
        return None
    unknown = [key for key in file.content if key not in ("type", "attributes")]
    if unknown:
        raise file.error(f"'{unknown[0]}' is not a key here; valid keys: type, attributes", (unknown[0],))
    known = [COMPONENTS + name for name in KINDS]
    if kind not in known:
        near = difflib.get_close_matches(kind, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise file.error(f"type '{kind}' is unknown; {hint}valid types: {', '.join(known)}", ("type",))
    return cast(type[Fact], KINDS[kind.removeprefix(COMPONENTS)])


def _assemble(root: Path, facts: Mapping[str, Fact], files: Mapping[str, YamlFile]) -> Catalog:
    vocabularies = _of(facts, Vocabulary)
    if len(vocabularies) != 1:
        raise BadFact(root.name, 1, f"{len(vocabularies)} vocabularies are declared; a deployment has exactly one")
    privacy = _of(facts, Privacy)
    if len(privacy) > 1:
        key = list(privacy)[-1]
        raise files[key].error(f"the privacy facts are already declared by {next(iter(privacy))}; keep one", ("type",))
    planned = {
        name: plan for keepers in _of(facts, PlannedKeepers).values() for name, plan in keepers.capabilities.items()
    }
    return Catalog(
        root=root,
        vocabulary=next(iter(vocabularies.values())),
        policies={policy.product: policy for policy in _of(facts, Policy).values()},
        planned=planned,
        processors=_by_folder(_of(facts, Processor)),
        categories=_of(facts, Category),
        procedures=_by_folder(_of(facts, Procedure)),
        questions=_by_folder(_of(facts, Question)),
        ledgers=_of(facts, Ledger),
        sweeps=_of(facts, Sweep),
        backups=_of(facts, BackupPlan),
        exports=_of(facts, ExportPlan),
        requests=_of(facts, RequestPlan),
        published=_by_folder(_of(facts, AnonymisedTable)),
        privacy=next(iter(privacy.values()), None),
        files=files,
    )


def _of(facts: Mapping[str, Any], kind: type[_Kind]) -> dict[str, _Kind]:
    return {key: fact for key, fact in facts.items() if isinstance(fact, kind)}


def _by_folder(facts: Mapping[str, _Kind]) -> dict[str, _Kind]:
    return {key.rsplit("/", 1)[-1]: fact for key, fact in facts.items()}


def fact_key(catalog: Catalog, folder: Path) -> str:
    """The key under which the fact of a folder is filed."""
    return folder.resolve().relative_to(catalog.root).as_posix()
