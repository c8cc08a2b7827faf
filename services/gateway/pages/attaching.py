"""Files that come with a form: uploaded before the command that names them, and kept in the form if that is refused."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from services.gateway.pages.client import ApiClient, ApiProblem
from services.gateway.pages.visit import Form
from shared.files import safe_name

FIELD = "uploads"
"""What was uploaded before and is in the form still: an id and a name each."""


def kept(form: Form) -> list[dict[str, str]]:
    """Return what the form names, as the API takes it."""
    found = [line.partition(" ") for line in form.get(FIELD, "").split("\n") if line.strip()]
    return [{"upload": upload, "name": name or "file"} for upload, _, name in found]


async def take(request: Request, api: ApiClient, form: Form) -> None:
    """Upload what comes with the form and name it there. The form's `uploads` are read as a list.

    Raises:
        ApiProblem: One is not taken; it says which.
    """
    sent: Sequence[Any] = (await request.form()).getlist("files")
    for file in sent:
        if not isinstance(file, UploadFile) or not file.filename:
            continue  # a form in which nothing was chosen has one without a name
        name = safe_name(file.filename)
        try:
            upload = await api.upload("/attachments", await file.read())
        except ApiProblem as problem:
            raise ApiProblem(problem.status, problem.title, f"{name}: {problem.detail}", {}) from problem
        form[FIELD] = "\n".join(filter(None, [form.get(FIELD, ""), f"{upload['upload']} {name}"]))
