"""`genuka ledger`: proves that the record is whole, or names the entry that is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

app = typer.Typer(help="The append-only record of what was looked at, promised and destroyed.", no_args_is_help=True)


@app.command()
@one_sentence
def verify(json: Json = False) -> None:
    """Recompute the chain and hold it against the anchors in the stores; exit 1 where it is not whole."""
    from genuka_pipelines.report.anchors import AnchorProblem, verify_ledger
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        found = verify_ledger(runtime, datetime.now(UTC))
    content: dict[str, Any] = {
        "entries": found.entries,
        "intact": found.intact,
        "problems": [
            {
                "seq": problem.seq,
                "what": str(problem.what),
                **({"store": problem.store, "day": problem.day} if isinstance(problem, AnchorProblem) else {}),
            }
            for problem in found.problems
        ],
    }

    def people() -> None:
        whole = "{entries} entries, intact" if found.intact else "{entries} entries, NOT intact"
        say(said(whole, entries=found.entries))
        if found.problems:
            table("Problems", ("entry", "what"), [(problem.seq, str(problem)) for problem in found.problems])

    show(json, content, people)
    if not found.intact:
        raise typer.Exit(1)


@app.command()
@one_sentence
def anchor(json: Json = False) -> None:
    """Put the signed head of the ledger into both backup stores; once a day is enough."""
    from genuka_pipelines.report.anchors import anchor_ledger
    from genuka_pipelines.runtime import open_runtime

    now = datetime.now(UTC)
    with open_runtime() as runtime:
        head = anchor_ledger(runtime, as_of=now, now=now)
    show(json, {"head": head.seq, "hash": head.hash}, lambda: say(said("anchored entry {seq}", seq=head.seq)))
