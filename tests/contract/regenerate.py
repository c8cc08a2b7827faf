"""Write the committed documents anew, after a change that is meant: `make contracts`, then look at the diff."""

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from ledgerdesk import asyncapi
from ledgerdesk.application import create_app, merged_openapi

ROOT = Path(__file__).parents[2]
OPENAPI = Path(__file__).parent / "openapi.json"
ASYNCAPI = ROOT / "docs" / "asyncapi.json"


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document that a stack serves."""
    from ledgerdesk.host import Host
    from shared.settings import Settings

    app: FastAPI = create_app(Host(Settings(), [], {}))
    return merged_openapi(app)


def text_of(document: dict[str, Any]) -> str:
    """Return a document as it is committed."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write both."""
    OPENAPI.write_text(text_of(openapi()))
    ASYNCAPI.write_text(text_of(asyncapi.document()))
    sys.stdout.write(f"wrote {OPENAPI.relative_to(ROOT)} and {ASYNCAPI.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
