"""`genuka catalog`: what is held, what was promised, what keeps each promise, and what nobody declared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said
from genuka_pipelines.report.status import Evidence, clause_states, evidence


@one_sentence
def catalog(json: Json = False) -> None:
    """List categories, the clauses with their keepers and states, and what is undeclared."""
    from genuka_pipelines.settings import load_settings

    settings = load_settings()
    facts = load_catalog(settings.assets)
    now = datetime.now(UTC)
    known, undeclared, why = Evidence({}, {}, now), None, ""
    try:
        from genuka_pipelines.quality.undeclared import undeclared_everywhere
        from genuka_pipelines.runtime import open_runtime

        with open_runtime(settings) as runtime:
            known = evidence(runtime.control, now)
            undeclared = list(undeclared_everywhere(runtime, now))
    except GenukaError as error:
        why = str(error)
    states = clause_states(facts, known)
    if why:
        say(said("what is undeclared, and the evidence, are unknown: {why}", why=why))
    content: dict[str, Any] = {
        "categories": [
            {"key": key, "role": it.role, "clauses": list(it.clauses), "tables": list(it.tables)}
            for key, it in facts.categories.items()
        ],
        "clauses": [
            {"id": s.id, "kind": " + ".join(s.kind), "keepers": list(s.keepers), "status": s.status} for s in states
        ],
        "undeclared": undeclared,
        "unmapped_sentences": [
            f"{name}:{s.at[0]}-{s.at[1]}" for name, policy in facts.policies.items() for s in policy.unmapped
        ],
    }

    def people() -> None:
        table(
            "Categories",
            ("category", "role", "tables", "clauses"),
            [(key, said(it.role), len(it.tables), ", ".join(it.clauses)) for key, it in facts.categories.items()],
        )
        table("Clauses", ("clause", "state", "kept by"), [(s.id, said(s.status), ", ".join(s.keepers)) for s in states])
        found = said("unknown") if undeclared is None else (", ".join(undeclared) or said("nothing"))
        say(said("undeclared: {what}", what=found))

    show(json, content, people)
