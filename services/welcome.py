"""What is printed once the system runs: where it is, who may sign in, what to try."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from services.intake.smtp import SmtpDoor
from services.routing.people import ensure_sample_users
from shared.runner import Embedded
from shared.service import House

ADDRESSES = "addresses"
"""A file in the data directory: HTTP port, SMTP port and first mailbox of the process that runs there."""


DOES = {
    "officer": "accepts, returns and answers a department's cases",
    "coordinator": "dispatches what no rule decided, decides on returns",
    "leader": "sees the cases of departments in their charge, and what climbs to them",
    "supervisor": "the console: what is late, every case's trail",
    "clerk": "looks at what is in quarantine",
    "admin": "accounts, API keys, what was sent",
}
"""What each role is for, in the order in which a newcomer tries them."""


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
    out.print(f"\n[bold]Throughline runs.[/] {_names(house)}  ·  data in {installation.settings.data}\n")
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
        _show(out, users)
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


def _names(house: House) -> str:
    names = house.organisation.names
    return " · ".join(dict.fromkeys(names.get(language) for language in house.organisation.languages))


def _show(out: Console, users: Sequence[tuple[str, str, str]]) -> None:
    """One of each role with what it is for, then everybody else."""
    first = {role: next((user for user in users if user[2] == role), None) for role in DOES}
    chosen = [user for user in first.values() if user is not None]
    out.print("\n[bold]Sample users[/], shown this once (`throughline user password` gives a new one)")
    for login, password, role in chosen:
        out.print(f"  {login:<22}{password:<22}{role}: {DOES[role]}")
    others = [
        f"{login:<28}{password:<22}"
        for login, password, role in users
        if (login, password, role) not in chosen
    ]
    out.print("\n[bold]Their colleagues[/]")
    for at in range(0, len(others), 2):
        out.print(f"  {''.join(others[at : at + 2]).rstrip()}")
