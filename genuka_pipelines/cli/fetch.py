"""`genuka request fetch`: the sealed package of a request, copied to a file and counted.

Apart from `genuka request`, which is long enough.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from genuka_pipelines.cli.answer import Json, one_sentence, say, show
from genuka_pipelines.cli.texts import said


@one_sentence
def fetch(
    name: Annotated[str, typer.Argument(metavar="REQUEST")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new file; the package in it stays sealed.")],
    by: Annotated[str, typer.Option("--by", metavar="ID", help="Your staff id, opaque.")],
    json: Json = False,
) -> None:
    """Copy what was made for a person to a file, to be passed on; counted, and only while its time lasts."""
    from genuka_pipelines.requests.package import fetch as fetched
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        found = fetched(runtime, name, to, by=by, now=datetime.now(UTC))
    content = {
        "request": name, "file": str(found.path), "sha256": found.sha256, "bytes": found.size,
        "downloads": found.downloads, "until": found.expires_at,
    }  # fmt: skip
    sentence = "{file}: fetch number {count}, open until {day}"
    show(json, content, lambda: say(said(
        sentence, file=found.path, count=found.downloads, day=found.expires_at.date()
    )))  # fmt: skip
