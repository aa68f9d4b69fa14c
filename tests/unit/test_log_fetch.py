from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.audit.log import from_url, verify_log
from tests.unit.log_samples import VKEY, grow


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        pass

    def do_GET(self) -> None:
        if self.path.endswith("/secret"):
            self.send_error(403)
        else:
            super().do_GET()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    grow(tmp_path / "trail", [100, 300])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/trail"
        server.shutdown()
        thread.join()


def test_a_log_served_as_plain_files_is_verified_by_its_url(served: str) -> None:
    for prefix in (served, f"{served}/"):
        report = verify_log(from_url(prefix), VKEY)
        assert (report.ok, report.entries, report.problems) == (True, 400, [])


def test_what_is_absent_and_what_is_refused_are_told_apart(served: str) -> None:
    fetch = from_url(served)
    with pytest.raises(FileNotFoundError, match="tile/0/007: 404"):
        fetch("tile/0/007")
    with pytest.raises(OSError, match="secret: 403") as refused:
        fetch("secret")
    assert not isinstance(refused.value, FileNotFoundError)


def test_only_http_prefixes_are_read() -> None:
    with pytest.raises(ValueError, match="not an http prefix"):
        from_url("file:///etc")
