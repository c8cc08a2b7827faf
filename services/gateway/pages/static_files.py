"""Style, scripts, fonts, icons. Their address changes with their content."""

from fastapi import APIRouter, Request, Response

from services.gateway.pages.assets import assets, release
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.route import PageRoute

router = APIRouter(route_class=PageRoute)


@router.get("/static/{version}/{name}")
async def static(version: str, name: str, request: Request) -> Response:
    """Return a file.

    Raises:
        ApiProblem: 404, there is no such file.
    """
    asset = assets().get(name)
    if asset is None:
        raise ApiProblem(404, "Not found", "There is no such file.")
    headers = {"ETag": f'"{release()}"', "Cache-Control": "public, max-age=300", "Vary": "Accept-Encoding"}
    if version == release():
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)
