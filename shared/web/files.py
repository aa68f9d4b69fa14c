"""Files that were chosen in a form."""

from __future__ import annotations

from starlette.datastructures import FormData, UploadFile

from shared.content.files import LONGEST_NAME, LONGEST_TYPE, FileBody


async def chosen(form: FormData) -> list[FileBody]:
    """The files of its field `files`."""
    return [
        FileBody.model_construct(
            name=(one.filename or "")[-LONGEST_NAME:],
            content_type=(one.content_type or "application/octet-stream")[:LONGEST_TYPE],
            content=await one.read(),
        )
        for one in form.getlist("files")
        if isinstance(one, UploadFile) and one.filename
    ]
