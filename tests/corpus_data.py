"""Where the real inputs are: the folder `shared/data` beside the project, or `THROUGHLINE_TEST_DATA`.

The product never needs it. Where it is missing the tests that use it are skipped, and the run says aloud how many.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("THROUGHLINE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def corpus(*parts: str) -> Path:
    """The file or folder of the corpus, or a skip that says which input is missing."""
    path = ROOT.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real inputs not present: {path}")
    return path
