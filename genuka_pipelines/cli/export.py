"""`genuka export`: the complete archive of a tenant, made, proved by loading it again, verified and loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.answer import Json, address_of, one_sentence, say, show, table
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from genuka_pipelines.exports import Opener, Recipient
    from genuka_pipelines.exports.steps import Progress, Step

app = typer.Typer(help="Hand a tenant all of its data, sealed; verify and load such an archive.", no_args_is_help=True)
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Its first line; mode 0600.")
]
PassphraseEnv = Annotated[
    str | None, typer.Option("--passphrase-env", metavar="NAME", help="A variable that holds the passphrase.")
]
IdentityFile = Annotated[
    Path | None, typer.Option("--identity-file", metavar="FILE", help="The age identity that opens it; mode 0600.")
]
ArchivePath = Annotated[Path, typer.Argument(metavar="ARCHIVE", help="The file that was delivered.")]


class UnclearExport(GenukaError):
    """The command does not say what is to be exported, for whom, or where to."""


@app.command()
@one_sentence
def create(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Whose data.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the sealed archive is put besides.")],
    recipient: Annotated[
        str | None, typer.Option("--recipient", metavar="AGE1…", help="The tenant's age public key.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    request: Annotated[
        str | None, typer.Option("--request", metavar="NAME", help="Who asked; today's, if left out.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be in it, and stop.")] = False,
    json: Json = False,
) -> None:
    """Make the archive of a tenant, load it again and compare, and only then deliver it, sealed."""
    from genuka_pipelines.exports import create as created
    from genuka_pipelines.exports import preview, trial_of
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        if dry_run:
            _show_preview(preview(runtime, tenant, _now()), as_json=json)
            return
        with _bar(shown=not json) as progress:
            archive = created(
                runtime,
                tenant,
                request=request or f"cli-{_now():%Y%m%d}",
                to=_recipient(recipient, passphrase_file, passphrase_env),
                work=runtime.exports,
                trial=trial_of(runtime),
                clock=_now,
                directory=to,
                progress=progress,
            )
    content = {
        "archive": str(archive.copy),
        "sha256": archive.sha256,
        "tables": archive.tables,
        "rows": archive.rows,
        "media": archive.media,
        "reimported": archive.reimported,
        "excluded": archive.excluded,
        "bytes": archive.size,
        "delivery": archive.delivery,
        "expires": archive.expires,
    }
    _answer(content, as_json=json)


@app.command()
@one_sentence
def verify(
    archive: ArchivePath,
    identity_file: IdentityFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    json: Json = False,
) -> None:
    """Open an archive and compare every byte with its manifest."""
    from genuka_pipelines.exports import verify as verified
    from genuka_pipelines.settings import load_settings

    opener = _opener(identity_file, passphrase_file, passphrase_env)
    found = verified(archive, opener, load_settings().home / "exports")
    _answer(_content(archive, found.tables, found.rows, found.media, None), as_json=json)


@app.command()
@one_sentence
def load(
    archive: ArchivePath,
    into: Annotated[str, typer.Option("--into", metavar="URL", help="An empty database, or one to be made.")],
    identity_file: IdentityFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    json: Json = False,
) -> None:
    """Verify an archive, load it into an empty database and compare before anybody sees it."""
    from genuka_pipelines.exports import load as loaded
    from genuka_pipelines.settings import load_settings

    opener = _opener(identity_file, passphrase_file, passphrase_env)
    found = loaded(archive, address_of("--into", into), opener, load_settings().home / "exports")
    content = _content(archive, found.tables, found.rows, found.media, True)
    _answer({**content, "left_out": list(found.left_out)}, as_json=json)


@app.command("list")
@one_sentence
def list_(json: Json = False) -> None:
    """What was delivered and may still be fetched."""
    from genuka_pipelines.exports.asked import KIND
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        found = runtime.control.deliveries.open(_now(), KIND)
    columns = ("delivery", "what", "bytes", "expires", "downloads")
    rows = [(one.id, one.kind, one.size, one.expires_at, one.downloads) for one in found]
    content = {"deliveries": [dict(zip(columns, row, strict=True)) for row in rows]}
    show(json, content, lambda: table("Deliveries", columns, rows))


@app.command()
@one_sentence
def withdraw(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The id that `list` shows.")], json: Json = False
) -> None:
    """Destroy a delivered archive before its time."""
    from genuka_pipelines.exports import withdraw as withdrawn
    from genuka_pipelines.runtime import open_runtime

    with open_runtime() as runtime:
        done = withdrawn(runtime, delivery, now=_now())
    content = {"delivery": delivery, "withdrawn": done}
    show(json, content, lambda: say(said("withdrawn") if done else said("it was withdrawn before")))


def _recipient(age: str | None, file: Path | None, variable: str | None) -> Recipient:
    from genuka_pipelines.exports import Recipient, passphrase_in, passphrase_named

    if sum(one is not None for one in (age, file, variable)) != 1:
        raise UnclearExport("say whom it is for: one of --recipient age1…, --passphrase-file, --passphrase-env")
    if age is not None:
        return Recipient(age=age)
    return Recipient(passphrase=passphrase_in(file) if file else passphrase_named(str(variable)))


def _opener(identity: Path | None, file: Path | None, variable: str | None) -> Opener:
    from genuka_pipelines.exports import Opener, identities_in, passphrase_in, passphrase_named

    if identity:
        return Opener(identities=identities_in(identity))
    if file or variable:
        return Opener(passphrase=passphrase_in(file) if file else passphrase_named(str(variable)))
    return Opener()


def _show_preview(found: Any, *, as_json: bool) -> None:
    rows = sum(found.tables.values())
    content: dict[str, Any] = {
        "archive": None,
        "sha256": None,
        "tables": len(found.tables),
        "rows": rows,
        "media": None,
    }
    left_out = [{"table": one.table, "column": one.column or None, "reason": one.reason} for one in found.exclusions]
    content |= {"reimported": False, "by_table": dict(found.tables), "left_out": left_out}

    def people() -> None:
        table("Would be exported", ("table", "rows"), list(found.tables.items()))
        table("Left out", ("table", "column", "why"), [tuple(one.values()) for one in left_out])

    show(as_json, content, people)


def _content(archive: Path, tables: int, rows: int, media: int, reimported: bool | None) -> dict[str, Any]:
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    said = {"archive": str(archive), "sha256": sha256, "tables": tables, "rows": rows, "media": media}
    return {**said, "reimported": reimported}


def _answer(content: dict[str, Any], *, as_json: bool) -> None:
    show(as_json, content, lambda: table("Archive", ("what", "result"), list(content.items())))


@contextmanager
def _bar(*, shown: bool) -> Iterator[Progress]:
    """A bar on stderr; with `--json` nothing is told meanwhile."""
    from genuka_pipelines.exports.steps import silent

    if not shown:
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    parts = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")

        def told(step: Step, done: int, of: int) -> None:
            bar.update(task, description=_said(step), completed=done, total=of or None)

        yield told


def _said(step: Step) -> str:
    """A step in words."""
    words: dict[Step, str] = {
        "prove": said("proving that the rows are one tenant's"),
        "read": said("reading tables"),
        "rows": said("reading rows"),
        "media": said("fetching files"),
        "quality": said("asking what is expected"),
        "pack": said("packing"),
        "reimport": said("loading it again and comparing"),
        "seal": said("sealing"),
        "deliver": said("delivering"),
    }
    return words[step]


def _now() -> datetime:
    return datetime.now(UTC)
