"""What is printed once the system runs: where it is, who may sign in, what to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from services.intake.smtp import SmtpDoor
from services.routing.people import ensure_sample_users
from shared.embedded import Embedded
from shared.organisation import Organisation
from shared.runner import Runner
from shared.service import House

ADDRESSES = "addresses"
"""A file in the data directory: HTTP port, SMTP port (0 for none) and first mailbox of the process that runs there."""


DOES = {
    "officer": "accepts, returns and answers a department's cases",
    "coordinator": "dispatches what no rule decided, decides on returns",
    "leader": "sees the cases of departments in their charge, and what climbs to them",
    "supervisor": "the console: what is late, every case's trail",
    "clerk": "looks at what is in quarantine",
    "admin": "accounts, API keys, what was sent",
}
"""What each role is for, in the order in which a newcomer tries them."""


@dataclass(frozen=True)
class Places:
    """Where the parts of an installation are."""

    mail: str
    """Its SMTP door, host:port."""
    outgoing: str
    trail: Path
    """A directory with the trail below it."""
    metrics: Sequence[str]


async def welcome(installation: Embedded) -> None:
    """Print it, and leave the addresses for programs that wait for them."""
    house, settings = installation.house, installation.settings
    places = Places(
        mail=f"{settings.host}:{_smtp_port(installation)}",
        outgoing=settings.relay or f"{settings.data}/outbox  (kept as .eml files, not sent)",
        trail=settings.data,
        metrics=[f"{house.public_url}/metrics"],
    )
    greet(house, await ensure_sample_users(house), places)
    write_addresses(installation)


def greet(house: House, users: Sequence[tuple[str, str, str]], places: Places) -> None:
    """Print where everything is, who may sign in, what to try."""
    url, mail, mailbox = house.public_url, places.mail, house.organisation.mailboxes[0].address
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"\n[bold]Throughline runs.[/] {_names(house)}  ·  data in {house.settings.data}\n")
    for name, where in (
        ("Write to us", f"{url}/"),
        ("Officers and console", f"{url}/sign-in"),
        ("Mail, as SMTP", f"{mail}  (to {mailbox})"),
        ("Outgoing mail", places.outgoing),
        ("Metrics", "  ".join(places.metrics)),
    ):
        out.print(f"  {name:<22}{where}")
    if users:
        _show(out, users)
    out.print("\n[bold]Three things to try[/]")
    words, officer = a_matter(house.organisation)
    out.print(f"  1. Open {url}/ , write about {words}, and follow it by the link you get.")
    out.print(
        f"  2. Send a mail:  printf 'From: you@example.org\\nSubject: {words}\\n\\n{words}\\n' > matter.eml &&"
        f" .venv/bin/throughline send matter.eml --smtp {mail} --rcpt {mailbox}\n"
        f"     Its acknowledgement stands in the outbox folder; the case is in {officer}'s list."
    )
    out.print(
        f"  3. Verify the trail:  .venv/bin/throughline trail verify {places.trail}"
        f' --vkey "$(curl -s {url}/trail/vkey)"\n'
    )


def a_matter(organisation: Organisation) -> tuple[str, str]:
    """Words about the first duty, and who finds the case in the list."""
    department = next((one for one in organisation.departments if one.duties), organisation.departments[0])
    words = [word for duty in department.duties[:1] for word in duty.words()]
    return "、".join(words[:3]) or organisation.names.get("en"), department.officers[0]


def write_addresses(runner: Runner) -> None:
    """Leave the addresses for programs that wait for them."""
    house = runner.house
    path = house.settings.data / ADDRESSES
    mailbox = house.organisation.mailboxes[0].address
    path.with_suffix(".new").write_text(f"{house.settings.port} {_smtp_port(runner)} {mailbox}\n")
    path.with_suffix(".new").rename(path)


def _smtp_port(runner: Runner) -> int:
    doors = (beside for service in runner.services for beside in service.companions)
    return next((door.port for door in doors if isinstance(door, SmtpDoor)), 0)


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
