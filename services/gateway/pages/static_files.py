"""Style, scripts, fonts, icons. Their address changes with their content.

A page brings two dozen of them, all at once, while somebody waits for it: they are answered beside the pages' own machinery.
"""

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from services.gateway.pages.assets import AssetsMissing, assets, release
from services.gateway.pages.security import protect

router = APIRouter()


def _file(request: Request) -> Response:
    """Return a file: nothing where the browser has it, to be kept for ever where its address is of this release."""
    asset, asked = assets().get(request.path_params["name"]), request.headers
    if asset is None:
        return PlainTextResponse("There is no such file.", 404)
    headers = {"ETag": f'"{release()}"', "Cache-Control": "public, max-age=300", "Vary": "Accept-Encoding"}
    if request.path_params["version"] == release():
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if asked.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)


async def static(request: Request) -> Response:
    """Return a file; 404 where there is none, 503 where they are not installed."""
    try:
        response = _file(request)
    except AssetsMissing as error:
        response = PlainTextResponse(str(error), 503)
    protect(response.headers)
    return response


router.add_route("/static/{version}/{name}", static, include_in_schema=False)
