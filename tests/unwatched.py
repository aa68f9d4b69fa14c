"""Houses in which no check looks for anything: what one finds sets the house to work, too."""

from __future__ import annotations

from pathlib import Path

from services.audit.checks import CHECKS
from shared.organisation import Organisation
from shared.settings import SAMPLE_ORGANISATION


def unwatched(organisation: Organisation) -> Organisation:
    """The same house without checks."""
    return organisation.model_copy(update={"checks": {check.name: {"off": True} for check in CHECKS}})


def unwatched_file(directory: Path, text: str | None = None) -> Path:
    """A file of the sample county, or of the one that is given, without checks."""
    usual = text or SAMPLE_ORGANISATION.read_text("utf-8")
    off = "".join(f"  {check.name}: {{ off: true }}\n" for check in CHECKS)
    path = directory / "county.yaml"
    path.write_text(f"{usual}\nchecks:\n{off}", "utf-8")
    return path
