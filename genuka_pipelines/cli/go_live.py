"""`genuka go-live`: switches on what destroys or discloses, after asking; until then nothing does by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import Json, one_sentence, say, show
from genuka_pipelines.cli.texts import said


class NotConfirmed(GenukaError):
    """Nobody said yes."""


class UnknownCapability(GenukaError):
    """There is no such thing to switch."""


@one_sentence
def go_live(
    capability: Annotated[
        list[str] | None,
        typer.Argument(metavar="CAPABILITY", help="Which: retention_sweep, backup_expiry; all if left out."),
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="ID", help="Your staff id, opaque.")] = "operator",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Switch it off again.")] = False,
    json: Json = False,
) -> None:
    """Switch capabilities on, so that their schedules destroy or disclose from now on."""
    from genuka_pipelines.cli.stack import addresses
    from genuka_pipelines.control.switches import CAPABILITIES
    from genuka_pipelines.runtime import open_runtime

    wanted = tuple(dict.fromkeys(capability or CAPABILITIES))
    if set(wanted) - set(CAPABILITIES):
        raise UnknownCapability(f"there is no such capability to switch; it is one of {', '.join(CAPABILITIES)}")
    with open_runtime() as runtime:
        # Before anybody is asked: a house that does not answer cannot go live.
        places = addresses(runtime.settings)
        before = {name: runtime.control.switches.on(name) for name in wanted}
        for name in (name for name, on in before.items() if not (on or off or yes)):
            _ask(name)
        for name in wanted:
            runtime.control.switches.switch(name, not off, by=by, now=datetime.now(UTC))
        content = {**places, "switches": dict.fromkeys(wanted, not off)}
    state = said("off") if off else said("on")

    def people() -> None:
        for name in wanted:
            say(said("{capability} is {state}", capability=name, state=state))

    show(json, content, people)


def _ask(capability: str) -> None:
    question = said("From now on {capability} destroys data by itself. Go live?", capability=capability)
    try:
        confirmed = typer.confirm(question, default=False, err=True)
    except typer.Abort:
        confirmed = False
    if not confirmed:
        raise NotConfirmed("nothing was switched on; look at `genuka retention plan` first, then say yes")
