"""`genuka up`, `down`, `home`: the services behind the house, and where its state is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from genuka_pipelines.cli.answer import Json, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said
from genuka_pipelines.settings import Settings, home_of, load_settings, wanted_parts


@one_sentence
def up(json: Json = False) -> None:
    """Start what the environment does not name: databases, stores, keys. Safe to repeat."""
    from genuka_pipelines.demo.embedded import up as start
    from genuka_pipelines.demo.runs import dagster_home
    from genuka_pipelines.runtime import prepare

    stack = start(home_of(), wanted=wanted_parts())
    settings = load_settings()
    prepare(settings, started=stack.started, now=datetime.now(UTC))
    dagster_home(settings.home)
    for note in stack.notes:
        say(note)
    content = addresses(settings)
    show(json, content, lambda: table("Up", ("what", "where"), _rows(content)))


@one_sentence
def down(
    json: Json = False,
    wipe: Annotated[bool, typer.Option("--wipe", help="Also remove the embedded data, stores and keys.")] = False,
) -> None:
    """Stop what `genuka up` started; your own servers are left alone."""
    from genuka_pipelines.demo.embedded import down as stop

    done = stop(home_of(), wipe=wipe, wanted=wanted_parts())
    content = {"stopped": done.stopped, "removed": list(done.removed), "kept": list(done.kept)}
    show(json, content, lambda: say(said("stopped") if done.stopped else said("nothing was running")))


@one_sentence
def home() -> None:
    """Print the folder of state."""
    typer.echo(home_of())


def addresses(settings: Settings) -> dict[str, Any]:
    """The addresses of everything, secrets masked unless embedded."""

    def url(name: str) -> str:
        return settings.url(name).render_as_string(hide_password=name not in settings.embedded)

    return {
        "database": url("genuka"),
        "genletter": url("genletter"),
        "control": url("control"),
        "stores": {name: address.url for name, address in settings.stores.items()},
        "home": str(settings.home),
    }


def _rows(content: dict[str, Any]) -> list[tuple[str, object]]:
    stores = [(said("store {name}", name=name), Path(url).as_posix()) for name, url in content["stores"].items()]
    return [(name, value) for name, value in content.items() if name != "stores"] + stores
