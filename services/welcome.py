"""What is printed once the system runs: where it is, who may sign in, what to try."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from services.intake.smtp import SmtpDoor
from services.routing.people import ensure_sample_users
from shared.runner import Embedded

ADDRESSES = "addresses"
"""A file in the data directory: HTTP port, SMTP port and first mailbox of the process that runs there."""


async def welcome(installation: Embedded) -> None:
    """Print it, and leave the addresses for programs that wait for them."""
    house = installation.house
    users = await ensure_sample_users(house)
    smtp_port = next(
        companion.port
        for service in installation.services
        for companion in service.companions
        if isinstance(companion, SmtpDoor)
    )
    mailbox = house.organisation.mailboxes[0].address
    url, mail = house.public_url, f"{installation.settings.host}:{smtp_port}"
    out = Console(highlight=False, soft_wrap=True)
    out.print(
        f"\n[bold]Throughline runs.[/] {house.organisation.names}  ·  data in {installation.settings.data}\n"
    )
    for name, where in (
        ("Write to us", f"{url}/"),
        ("Officers and console", f"{url}/sign-in"),
        ("Mail, as SMTP", f"{mail}  (to {mailbox})"),
        (
            "Outgoing mail",
            installation.settings.relay
            or f"{installation.settings.data}/outbox  (kept as .eml files, not sent)",
        ),
        ("Metrics", f"{url}/metrics"),
    ):
        out.print(f"  {name:<22}{where}")
    if users:
        table = Table(
            "Sign in as", "Password", "Role", title="Sample users, shown this once", title_justify="left"
        )
        for login, password, role in users:
            table.add_row(login, password, role)
        out.print(table)
    port = house.settings.port
    out.print("\n[bold]Three things to try[/]")
    out.print(f"  1. Open {url}/ , write that a street lamp is dark, and follow it by the link you get.")
    out.print(
        "  2. Send a mail:  printf 'From: you@example.org\\nSubject: 路燈不亮\\n\\n路燈三天不亮了\\n' > lamp.eml &&"
        f" .venv/bin/throughline send lamp.eml --smtp {mail} --rcpt {mailbox}\n"
        "     Its acknowledgement stands in the outbox folder; the case is in housing-officer-1's list."
    )
    out.print(
        f"  3. Verify the trail:  .venv/bin/throughline trail verify {installation.settings.data}"
        f' --vkey "$(curl -s {url}/trail/vkey)"\n'
    )
    path = installation.settings.data / ADDRESSES
    path.with_suffix(".new").write_text(f"{port} {smtp_port} {mailbox}\n")
    path.with_suffix(".new").rename(path)
