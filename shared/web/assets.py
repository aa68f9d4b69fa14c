"""What browsers keep: the style and the little script, under names that change with their content."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Response

from shared.rights import Principal, Right, requires
from shared.web.problems import not_found

FOLDER = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"


class Assets:
    """The files of a folder, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._content: dict[str, bytes] = {}
        self._address: dict[str, str] = {}
        self._text: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            hashed = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            self._content[hashed] = content
            self._address[path.name] = f"/static/{hashed}"
            self._text[path.name] = content.decode()

    def address(self, name: str) -> str:
        """Where a file is to be had, for a page. Raises KeyError for one that isn't there."""
        return self._address[name]

    def text(self, name: str) -> str:
        """A file's text, for a page that carries it along. Raises KeyError for one that isn't there."""
        return self._text[name]

    def router(self) -> APIRouter:
        """The route that serves them."""
        routes = APIRouter()

        @routes.get("/static/{name}", include_in_schema=False)
        async def get_asset(name: str, principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
            if name not in self._content:
                raise not_found()
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            return Response(self._content[name], media_type=kind, headers={"Cache-Control": _FOREVER})

        return routes
