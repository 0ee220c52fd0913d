"""How every command answers: one JSON object on stdout with `--json`, else a table for people.

Logs and progress go to stderr, so that a script can always read stdout.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.cli.texts import said

if TYPE_CHECKING:
    from sqlalchemy import URL

P = ParamSpec("P")
R = TypeVar("R")

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; logs on stderr.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="MOMENT", help="The moment the work is about (ISO 8601); now if left out."),
]


class BadMoment(GenukaError):
    """What should be a moment is none."""


def moment(as_of: str | None) -> datetime:
    """`--as-of`, or now, as an aware UTC datetime."""
    return moment_of("--as-of", as_of) or datetime.now(UTC)


def moment_of(option: str, given: str | None) -> datetime | None:
    """A moment given by an option as an aware UTC datetime; a date is its midnight in UTC."""
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise BadMoment(f"{option} '{given}' is not a moment; write 2026-05-03 or 2026-05-03T10:00:00+01:00") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


class BadAddress(GenukaError):
    """What should be the address of a database is none."""


def address_of(option: str, given: str) -> URL:
    """The address of a database given by an option."""
    from pydantic import TypeAdapter, ValidationError

    from genuka_pipelines.settings.addresses import DatabaseUrl, as_url

    try:
        return as_url(TypeAdapter(DatabaseUrl).validate_python(given))
    except ValidationError:
        raise BadAddress(f"{option} is no address of a database; write postgresql://… or mysql://…") from None


def show(as_json: bool, content: dict[str, Any], people: Callable[[], None]) -> None:
    """Print the answer in the form asked for."""
    if as_json:
        sys.stdout.write(json.dumps(content, ensure_ascii=False, default=_plain) + "\n")
    else:
        people()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for people on stdout; title and columns are texts of `FRENCH`."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=said(title), title_justify="left", header_style="bold")
    for column in columns:
        drawn.add_column(said(column), overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    Console().print(drawn)


def say(sentence: str) -> None:
    """A sentence on stderr."""
    sys.stderr.write(sentence + "\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def one_sentence(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command so that whatever fails is one sentence and the right exit code."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except GenukaError as error:
            _stop(str(error), error.exit_code)
        except KeyboardInterrupt:
            _stop("interrupted; nothing is half done, run the command again to go on", 130)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if os.environ.get("GENUKA_DEBUG"):
                raise
            _stop(f"a defect in genuka ({type(error).__name__}); set GENUKA_DEBUG=1 to see where", 2)

    return guarded


def _stop(sentence: str, code: int) -> NoReturn:
    say(f"genuka: {sentence}")
    raise typer.Exit(code)
