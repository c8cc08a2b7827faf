"""Applying an organisation file by HTTP: `PUT /api/v1/internal/organisation`, for administrators. What `ledgerdesk org apply` does.

It is applied as whoever asks, so the owners' events say who it was.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import Field, StringConstraints

from ledgerdesk import by_owner
from ledgerdesk.organisation import OrganisationFileError, apply_with, parsed
from shared.contracts.fields import Strict, Text
from shared.http.problems import Problem
from shared.settings import Settings

EXAMPLE = Path(__file__).parents[1] / "examples" / "org.yaml"
MOST_FILE = 900_000
PATIENCE = 60.0
"""Seconds that an owner may take for its section."""


class Given(Strict):
    """An organisation file, as text (YAML or JSON); or the example that comes with Ledgerdesk."""

    file: Annotated[Text, StringConstraints(min_length=1, max_length=MOST_FILE)] | None = None
    example: bool = Field(
        False, description="In place of a file: the example's organisation, whose people have no passwords"
    )


def _apply(origins: dict[str, str], token: str, text: str) -> dict[str, int]:
    with by_owner.client(origins, token, PATIENCE) as client:
        return apply_with(client, parsed(text, "file"))


async def answer(settings: Settings, token: str, given: Given) -> dict[str, Any]:
    """Apply a file, and answer when every service knows the result.

    Raises:
        Problem: 422, the file cannot be used, or an owner refused its section; 404, there is no example here; 503.
    """
    if (given.file is None) != given.example:
        raise Problem(422, "Give a file, or ask for the example.", fields={"file": "or example, one of the two"})
    if given.example and not EXAMPLE.exists():
        raise Problem(404, "The example's organisation is not here: it comes with a checkout of Ledgerdesk.")
    text = EXAMPLE.read_text() if given.example else given.file or ""
    try:
        return {"changed": await asyncio.to_thread(_apply, by_owner.origins_of(settings), token, text)}
    except (OrganisationFileError, RuntimeError) as error:
        raise Problem(
            422, f"The organisation file is not applied: {error}", fields={"file": str(error)[:2000]}
        ) from error
    except httpx.HTTPError as error:
        raise Problem(
            503,
            f"A service does not answer: {type(error).__name__}. Apply the file again: what is applied already stays as it is.",
        ) from error
