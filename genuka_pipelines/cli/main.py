"""The `genuka` command. Each subcommand is a room of its own, imported when it is called."""

from __future__ import annotations

import typer

from genuka_pipelines.cli import (
    affected,
    analytics,
    backup,
    catalogue,
    demo,
    doctor,
    export,
    go_live,
    hold,
    ledger,
    request,
    restore,
    retention,
    review,
    stack,
)

app = typer.Typer(
    name="genuka",
    help="Keeps the promises of a privacy policy, by pipelines that prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(stack.up)
app.command()(stack.down)
app.command()(doctor.doctor)
app.command()(stack.home)
app.command()(demo.seed)
app.command()(demo.demo)
app.command()(catalogue.catalog)
app.command()(affected.affected)
app.command()(go_live.go_live)
app.add_typer(analytics.app, name="analytics")
app.add_typer(retention.app, name="retention")
for command in (restore.restore, restore.drill, restore.shred, restore.rewrap):
    backup.app.command()(command)
app.add_typer(backup.app, name="backup")
app.add_typer(export.app, name="export")
app.add_typer(hold.app, name="hold")
app.add_typer(ledger.app, name="ledger")
app.add_typer(request.app, name="request")
app.add_typer(review.app, name="review")


def run() -> None:
    """The entry point of the console script."""
    app()
