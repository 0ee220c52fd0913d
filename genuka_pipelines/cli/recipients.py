"""`genuka request tell` and `told`: what to pass on to whoever else had a person's data, and that it was.

Apart from `genuka request`, which is long enough. Only `tell` shows by what a person is found, and only until then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genuka_pipelines.control.recipients import Notice

Name = Annotated[str, typer.Argument(metavar="REQUEST")]
Recipient = Annotated[str, typer.Argument(metavar="RECIPIENT", help="As `genuka request show` lists them.")]


class NotAReason(GenukaError):
    """Why a recipient cannot be told is none of a closed list."""


@one_sentence
def tell(name: Name, recipient: Recipient, json: Json = False) -> None:
    """Show what to do at a recipient, and by what it finds the person; nothing is sent."""
    from genuka_pipelines.requests.telling import to_do
    from genuka_pipelines.runtime import open_runtime
    from genuka_pipelines.settings import language_of

    with open_runtime() as runtime:
        found = to_do(runtime, name, recipient)
    content: dict[str, Any] = {
        **shown(found.notice),
        "kind": found.kind,
        "steps": found.steps.model_dump() if found.steps else None,
        "about": {kind: list(values) for kind, values in found.about.items()},
        "right": dict(found.right),
    }

    def people() -> None:
        rows = [(kind, one) for kind, values in found.about.items() for one in values]
        table("Found there by", ("what", "value"), rows)
        if found.right:
            table("To be corrected there", ("what", "value"), list(found.right.items()))
        if found.steps:
            typer.echo(found.steps(language_of()))

    show(json, content, people)


@one_sentence
def told(
    name: Name,
    recipient: Recipient,
    by: Annotated[str, typer.Option("--by", metavar="ID", help="Your staff id, opaque.")],
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="X", help="What the recipient calls its answer, opaque.")
    ] = None,
    impossible: Annotated[
        str | None,
        typer.Option("--impossible", metavar="WHY", help="gone, not_found_there, kept_by_its_law or disproportionate."),
    ] = None,
    json: Json = False,
) -> None:
    """Record that a recipient was told, or why it cannot be; the last one ends the request."""
    from genuka_pipelines.control.recipients import Impossible
    from genuka_pipelines.requests.telling import told as recorded
    from genuka_pipelines.runtime import open_runtime

    if impossible is not None and impossible not in get_args(Impossible):
        raise NotAReason(f"--impossible is one of {', '.join(get_args(Impossible))}; what was given is none of them")
    with open_runtime() as runtime:
        request = recorded(
            runtime, name, recipient, by=by, now=datetime.now(UTC), reference=reference,
            why=impossible,  # type: ignore[arg-type]
        )  # fmt: skip
        found = runtime.control.recipients.of(name)
    content = {"request": name, "status": request.status, "reason": request.reason,
               "recipients": [shown(one) for one in found]}  # fmt: skip

    def people() -> None:
        say(said("request {id} is {status}", id=name, status=request.status))
        show_recipients(found)

    show(json, content, people)


def show_recipients(notices: Iterable[Notice]) -> None:
    """The recipients of a request, for people; nothing where there is none."""
    columns = ("recipient", "how", "state", "by", "at", "reference", "why")
    rows = [[shown(one)[column] for column in columns] for one in notices]
    if rows:
        table("Recipients", ("recipient", "how", "state", "by", "at", "reference", "why"), rows)


def shown(notice: Notice) -> dict[str, Any]:
    """A notice without anything of the person."""
    return {
        "recipient": notice.recipient,
        "how": notice.how,
        "state": notice.state,
        "by": notice.told_by,
        "at": notice.told_at,
        "reference": notice.reference,
        "why": notice.why,
    }
