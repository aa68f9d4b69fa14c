"""What the organisation file tells the checks (`checks:`), or everything that does not fit of it, by line."""

from __future__ import annotations

from pathlib import Path

from services.audit.checks import CHECKS
from services.audit.checks.running import Tuned
from services.audit.checks.tuning import TuningWrong, tuned
from shared.organisation import Organisation, OrganisationWrong
from shared.organisation.source import Source, read_source


def checks_of(organisation: Organisation, file: Path) -> list[Tuned]:
    """The checks that an organisation has, tuned as its file says. Raises OrganisationWrong."""
    try:
        return tuned(CHECKS, organisation.checks)
    except TuningWrong as wrong:
        source = read_source(file.read_text("utf-8-sig")) if file.is_file() else Source()
        faults = [
            source.fault(("checks", *one.path), one.what, one.remedy.removesuffix("."))
            for one in wrong.misfits
        ]
        raise OrganisationWrong(str(file), sorted(faults, key=lambda fault: fault.line)) from wrong
