"""Our own files: style, script, icon. Their addresses change with their content."""

from fastapi import APIRouter, Request, Response

from services.gateway.pages.client import ApiProblem
from services.gateway.pages.render import STATIC, asset
from services.gateway.pages.route import PageRoute

router = APIRouter(route_class=PageRoute)


@router.get("/static/{name}")
async def static(name: str, request: Request) -> Response:
    """Return a file.

    Raises:
        ApiProblem: 404, there is no such file.
    """
    if name not in STATIC:
        raise ApiProblem(404, "Not found", "There is no such file.")
    content, version = asset(name)
    headers = {"ETag": f'"{version}"', "Cache-Control": "public, max-age=300"}
    if request.query_params.get("v") == version:
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=STATIC[name], headers=headers)
