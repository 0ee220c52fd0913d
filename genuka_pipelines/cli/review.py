"""`genuka review`: the findings that wait for a person, and what the person decided.

Shows places, counts and opaque ids only: a list of what was found would itself be what is forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.control import Review, Reviews

app = typer.Typer(help="Findings that wait for a person; they expire undecided.", no_args_is_help=True)

LISTED = 10_000
"""Findings read at most, the soonest to expire first; the rest are counted."""
SHORT = 12
"""Characters of an id that are shown to people; `decide` takes as many as tell it apart."""
_ID = re.compile(r"[0-9a-f]{8,64}")


class NotADecision(GenukaError):
    """`--as` or the id is not what a decision is made of."""


@app.command("list")
@one_sentence
def list_(json: Json = False) -> None:
    """List what waits by check, category, column and detector, with counts and the first expiry."""
    from genuka_pipelines.runtime import open_runtime

    now = datetime.now(UTC)
    with open_runtime() as runtime:
        waiting = sum(runtime.control.reviews.waiting(now).values())
        groups = _groups(runtime.control.reviews.pending(now, limit=LISTED))
    listed = sum(len(group["ids"]) for group in groups)

    def people() -> None:
        table(
            "Findings that wait",
            ("check", "category", "column", "detector", "waiting", "first expires", "first id"),
            [
                (g["check"], g["category"], g["column"], g["detector"], len(g["ids"]), _day(g["expires"]), _short(g))
                for g in groups
            ],
        )
        if waiting > listed:
            say(said("{listed} of {waiting} are shown, the first to expire", listed=listed, waiting=waiting))

    show(json, {"waiting": waiting, "groups": groups}, people)


@app.command()
@one_sentence
def decide(
    finding: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the first 8 or more characters.")],
    decision: Annotated[str, typer.Option("--as", metavar="DECISION", help="confirmed or dismissed (a false alarm).")],
    json: Json = False,
) -> None:
    """Record what a person decided about one finding, once; look at the row in its own database."""
    from genuka_pipelines.control.reviews import Decision
    from genuka_pipelines.runtime import open_runtime

    if decision not in get_args(Decision):
        raise NotADecision(f"--as is not a decision: write {' or '.join(get_args(Decision))}")
    if not _ID.fullmatch(finding):
        raise NotADecision("this is not the id of a finding: write 8 to 64 hex digits, as `genuka review list` shows")
    now = datetime.now(UTC)
    with open_runtime() as runtime:
        known = _whole(runtime.control.reviews, finding, now)
        runtime.control.reviews.decide(known, cast("Decision", decision), now=now)
    content = {"id": known, "decision": decision}
    show(json, content, lambda: say(said("finding {id}: {decision}", id=known[:SHORT], decision=said(decision))))


def _groups(waiting: Iterable[Review]) -> list[dict[str, Any]]:
    """One group a check, category, column and detector; ids in the order in which they expire."""

    def place(review: Review) -> tuple[str, str, str, str]:
        found = review.finding
        return found.check, found.category, f"{found.table}.{found.column}", found.detector

    groups: list[dict[str, Any]] = []
    # sorted() keeps the queue's own order within a group
    for named, members in groupby(sorted(waiting, key=place), key=place):
        reviews = list(members)
        groups.append(
            {
                **dict(zip(("check", "category", "column", "detector"), named, strict=True)),
                "count": sum(review.finding.count for review in reviews),
                "expires": reviews[0].expires_at,
                "ids": [review.id for review in reviews],
            }
        )
    return groups


def _whole(reviews: Reviews, start: str, now: datetime) -> str:
    """The id that begins so; a start that fits none is left to `decide`, which says what is wrong."""
    if len(start) == 64:
        return start
    fitting = [review.id for review in reviews.pending(now, limit=LISTED) if review.id.startswith(start)]
    if len(fitting) > 1:
        raise NotADecision(f"{len(fitting)} findings have an id that begins so: write more of it")
    return fitting[0] if fitting else start


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _short(group: dict[str, Any]) -> str:
    return str(group["ids"][0])[:SHORT]
