"""The command line as a program would call it, in this process."""

from __future__ import annotations

from typer.testing import CliRunner

from services.cli import app


def throughline(*words: object) -> tuple[int, str]:
    """Exit code, and what was said, on one line. What nobody foresaw is raised."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.split())
