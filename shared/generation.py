"""Generations of an installation's trail: a restore that loses events begins another (DESIGN.md section 7).

What the generation before has signed stands, and is another log's: so its checkpoints are never contradicted.
"""

from __future__ import annotations

from pathlib import Path

from shared.settings import Settings

FILE = "generation"


def read_generation(directory: Path) -> int:
    """Which generation an installation is; 1 where nothing was ever lost. Raises ValueError for a damaged file."""
    path = directory / FILE
    if not path.is_file():
        return 1
    text = path.read_text().strip()
    if not text.isdigit() or int(text) < 1:
        raise ValueError(
            f"{path}: expected a number from 1 on, got {text[:40]!r}: put back what the backup has"
        )
    return int(text)


def trail_origin(settings: Settings, organisation: str, directory: Path) -> str:
    """The name of an installation's trail, which is also its log key's name."""
    base = settings.origin or f"{organisation}.example/throughline"
    generation = max(settings.generation, read_generation(directory))
    return base if generation == 1 else f"{base}/g{generation}"
