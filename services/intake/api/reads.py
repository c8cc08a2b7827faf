"""Who asks: persons to open a ticket for, and the customers they belong to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, TypeAdapter

from services.intake.api.common import IntakeDep
from shared.contracts.fields import Key, Line, Text
from shared.http.caller import CallerDep
from shared.http.paging import (
    PAGING,
    CursorParameter,
    LimitParameter,
    Page,
    decode_cursor,
    encode_cursor,
    no_cursor,
    page_of,
)
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES

router = APIRouter(tags=["intake"], responses=RESPONSES)

Words = Annotated[Line, Field(min_length=2, max_length=200)]


class PersonFound(BaseModel):
    """Somebody a ticket can be opened for."""

    email: str
    name: str | None
    login: str | None = Field(description="Of who can sign in")
    organisation: str | None
    is_agent: bool


class OrganisationShown(BaseModel):
    """A customer organisation."""

    key: str
    name: str
    domains: list[str] = Field(description="Addresses of these are its people's")
    shared: bool = Field(description="Its people see each other's tickets")


_SEARCH = """
SELECT * FROM (
    SELECT stream_id, email, name, login, registered ->> 'organisation' AS organisation,
           agent IS NOT NULL AND agent -> 'active' IS DISTINCT FROM 'false' AS is_agent,
           CASE WHEN lower(email) = $1 OR lower(login) = $1 THEN 0
                WHEN starts_with(lower(email), $1) OR starts_with(lower(name), $1) OR starts_with(lower(login), $1) THEN 1
                ELSE 2 END AS rank
    FROM person
    WHERE email IS NOT NULL AND registered -> 'forgotten' IS DISTINCT FROM 'true'
      AND ($3::text IS NULL OR registered ->> 'organisation' = $3)
      AND NOT EXISTS (
          SELECT FROM unnest($2::text[]) word WHERE strpos(lower(concat_ws(' ', name, email, login)), word) = 0
      )
) found
WHERE (rank, email, stream_id) > ($4::int, $5::text, $6::uuid) ORDER BY rank, email, stream_id LIMIT $7
"""
"""Each word must be in the name, the address or the login. It looks at everybody: about 100 ms for 100,000 persons."""
_RANK: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(strict=True, ge=0, le=2)])
_STORED: TypeAdapter[str] = TypeAdapter(Annotated[Text, Field(strict=True)])
_FIRST = (-1, "", UUID(int=0))


def _place(cursor: str | None) -> tuple[int, str, UUID]:
    """Return where a page begins.

    Raises:
        Problem: 422.
    """
    if cursor is None:
        return _FIRST
    rank, email, person = decode_cursor(cursor, 3)
    try:
        return _RANK.validate_python(rank), _STORED.validate_python(email), UUID(person)
    except (ValueError, AttributeError, TypeError):
        raise no_cursor() from None


@router.get("/people")
async def find_people(
    request: Request, caller: CallerDep, intake: IntakeDep,
    q: Annotated[Words, Query(description="Parts of the name, the address or the login", examples=["ken ito"])],
    organisation: Annotated[Key | None, Query(description="Of this customer organisation")] = None,
    cursor: CursorParameter = None, limit: LimitParameter = 50,
) -> Page[PersonFound]:  # fmt: skip
    """Find whom a ticket is for: who is called so first, then whose name, address or login begins so."""
    refuse_unknown_parameters(request, PAGING | {"q", "organisation"})
    caller.need_staff()
    text = q.lower()
    rows = await intake.pool.fetch(_SEARCH, text, text.split(), organisation, *_place(cursor), limit + 1)
    page = rows[:limit]
    last = page[-1] if len(rows) > limit else None
    return Page(
        items=[
            PersonFound(**{name: row[name] for name in ("email", "name", "login", "organisation", "is_agent")})
            for row in page
        ],
        next=encode_cursor([last["rank"], last["email"], str(last["stream_id"])]) if last is not None else None,
    )


@router.get("/organisations")
async def read_organisations(
    request: Request, caller: CallerDep, intake: IntakeDep, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[OrganisationShown]:
    """List customer organisations by key."""
    refuse_unknown_parameters(request, PAGING)
    caller.need_staff()
    entries = [entry for entry in await intake.directory.entries("organisation") if entry.get("active", True)]
    page, following = page_of(entries, lambda entry: [entry["key"], ""], cursor, limit)
    return Page(
        items=[
            OrganisationShown(key=e["key"], name=e["name"], domains=e.get("domains", []), shared=e.get("shared", False))
            for e in page
        ],
        next=following,
    )
