"""The command line, `throughline …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from services import (
    cli_backup,
    cli_check,
    cli_dead,
    cli_erase,
    cli_log_key,
    cli_migrate,
    cli_moves,
    cli_org,
    cli_people,
    cli_send,
    cli_topics,
    cli_trail,
    serving,
)
from services.embedded import serve
from shared.logging import configure
from shared.settings import Settings

app = typer.Typer(
    help="Throughline: one line in, one trail out.", no_args_is_help=True, pretty_exceptions_enable=False
)
cli_org.app.command(
    "moves", epilog="Example: throughline org moves --to http://127.0.0.1:8080   (then again with --start)"
)(cli_moves.moves)
app.add_typer(cli_org.app, name="org")
app.add_typer(cli_trail.app, name="trail")
app.add_typer(cli_check.app, name="check")
app.add_typer(cli_dead.app, name="dead")
app.add_typer(cli_topics.app, name="topics")
app.add_typer(cli_people.users, name="user")
app.add_typer(cli_people.keys, name="key")
cli_people.keys.command(
    "backup", epilog="Example: throughline key backup --to /elsewhere/log-key.pem --data ./data"
)(cli_log_key.backup)
cli_people.keys.command(
    "restore", epilog="Example: throughline key restore --from /elsewhere/log-key.pem --data ./data"
)(cli_log_key.restore)
cli_people.keys.command(
    "rotate-log",
    epilog="Example: throughline key rotate-log --data ./data   (then, days later, with --finish)",
)(cli_log_key.rotate)
app.add_typer(cli_backup.hold, name="hold")
cli_backup.hold.command("place", epilog="Example: throughline hold place K7QM-2XPA-B --reason court")(
    cli_erase.place
)
cli_backup.hold.command("lift", epilog="Example: throughline hold lift K7QM-2XPA-B")(cli_erase.lift)
cli_backup.hold.command("list", epilog="Example: throughline hold list --json")(cli_erase.list_holds)
app.command(
    "erase",
    epilog="Example: throughline erase --sender wang@example.org --ground asked --dry-run --data ./data",
)(cli_erase.erase)
app.command(
    "backup", epilog="Example: throughline backup --data data --to /backup --keys /elsewhere/keys.tar"
)(cli_backup.backup)
app.command("check-backup", epilog="Example: throughline check-backup /backup --keys /elsewhere/keys.tar")(
    cli_backup.verify
)
app.command(
    "restore", epilog="Example: throughline restore --from /backup --keys /elsewhere/keys.tar --data data"
)(cli_backup.restore)
app.command("send")(cli_send.send)
app.command(
    "migrate",
    epilog="Example: throughline migrate --data ./data --audit /var/lib/throughline/audit",
)(cli_migrate.migrate)


@app.command(epilog="Example: throughline run --data ./data --port 8080 --smtp-port 2525")
def run(
    data: Annotated[Path | None, typer.Option(help="Directory of the installation")] = None,
    org: Annotated[Path | None, typer.Option(help="The organisation file")] = None,
    port: Annotated[int | None, typer.Option(help="HTTP port; 0 takes a free one")] = None,
    smtp_port: Annotated[int | None, typer.Option(help="SMTP port; 0 takes a free one")] = None,
    relay: Annotated[str | None, typer.Option(help="SMTP server for outgoing mail, host:port")] = None,
) -> None:
    """Run all four services in this process, on SQLite."""
    given = {"data": data, "org": org, "port": port, "smtp_port": smtp_port, "relay": relay}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    configure(settings.log_level, as_json=settings.log_json)
    raise typer.Exit(uvloop.run(serve(settings)))


@app.command(
    "serve",
    epilog="Example: throughline serve intake --data /var/lib/throughline --port 8080 --smtp-port 2525",
)
def serve_one(
    name: Annotated[serving.Name, typer.Argument(help="Which service")],
    data: Annotated[Path | None, typer.Option(help="Directory of this instance alone")] = None,
    org: Annotated[Path | None, typer.Option(help="The organisation file")] = None,
    port: Annotated[int | None, typer.Option(help="HTTP port; 0 takes a free one")] = None,
    smtp_port: Annotated[int | None, typer.Option(help="SMTP port of intake; 0 takes a free one")] = None,
) -> None:
    """Run one service of a cluster, on Kafka and MongoDB (THROUGHLINE_KAFKA_SERVERS, THROUGHLINE_MONGO_URL)."""
    given = {"data": data, "org": org, "port": port, "smtp_port": smtp_port}
    settings = Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    serving.refuse_untold(name, settings)
    configure(settings.log_level, as_json=settings.log_json)
    raise typer.Exit(uvloop.run(serving.serve(name, settings)))


def main() -> None:
    """The entry point of `throughline`."""
    app()
