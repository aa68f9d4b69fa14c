"""One whole installation for all tests that only look at it, or can share it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.living import Living, living


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """The installation, with something of everything in it."""
    with living(tmp_path_factory.mktemp("living")) as here:
        here.fill()
        yield here
