"""Attachments of a command: uploaded first, then named. An upload's id says, signed, what it is and whose it was."""

from collections.abc import Sequence
from typing import Annotated, Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import Field, StringConstraints

from shared.contracts.fields import Line, Strict
from shared.contracts.ids import derived
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EventStore
from shared.files import Files, GoneError, Stored, safe_name
from shared.http.caller import Caller
from shared.http.commands import CommandRequest
from shared.http.problems import Problem
from shared.settings import Settings

HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
"""Of every answer that is a file: whatever is in it, a browser runs nothing of it."""
_ALGORITHM = "HS256"
SWEEP_EVERY = 3600.0
"""Seconds between looks for files that nothing names any more."""


class AttachmentBody(Strict):
    """A file to attach: an upload, and what it is called."""

    upload: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(
        description="The `upload` that POST /attachments answered"
    )
    name: Line = Field(description="Its file name; what harms who saves it is taken out", examples=["screenshot.png"])


Attachments = Annotated[list[AttachmentBody], Field(max_length=100)]


class Attaching:
    """Takes the attachments of one owner's commands.

    Args:
        settings: For the directory, the limits, and the key that uploads are signed with.
        owner: Whose events name the files.
        store: The owner's, which says what its events name.
    """

    def __init__(self, settings: Settings, owner: str, store: EventStore) -> None:
        self.files = Files(settings.files_at, settings.attachment_bytes)
        self.most = settings.attachments
        self._owner = owner
        self._store = store
        self._key = OctKey.import_key(settings.derived_key("upload"))

    def upload_of(self, stored: Stored, caller: Caller) -> str:
        """Return the id of what somebody uploaded: the same each time, so that a command that is sent again is the same."""
        claims = {
            "aud": "upload", "for": whose(caller), "sha256": stored.sha256, "size": stored.size,
            "media_type": stored.media_type,
        }  # fmt: skip
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key)

    async def take(
        self, named: Sequence[AttachmentBody], command: CommandRequest, ledger: Ledger[Any]
    ) -> list[dict[str, Any]]:
        """Keep what a command names; returns it as its event says it. A command that was taken before names it no more.

        Raises:
            Problem: 422, naming the field: too many, no upload of the caller's, or one that is gone.
        """
        if not named:
            return []
        found = self.read(named, command.caller)
        if await ledger.repeat_of(command.context()) is not None:
            return found
        for place, one in enumerate(found):
            try:
                await self.files.claim(self._owner, one["sha256"])
            except GoneError as error:
                raise _bad(place, "is not kept any more: upload the file again") from error
        return found

    def read(self, named: Sequence[AttachmentBody], caller: Caller) -> list[dict[str, Any]]:
        """Return what is named, as an event would say it; nothing is kept for that.

        Raises:
            Problem: 422, naming the field: too many, or no upload of the caller's.
        """
        if len(named) > self.most:
            raise Problem(
                422, f"attachments: at most {self.most} files go with one message.",
                fields={"attachments": f"must be at most {self.most}: send the others with another message"},
            )  # fmt: skip
        return [self._read(one, place, caller) for place, one in enumerate(named)]

    def _read(self, one: AttachmentBody, place: int, caller: Caller) -> dict[str, Any]:
        try:
            claims = jwt.decode(one.upload, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise _bad(place, "must be what POST /attachments answered") from error
        if claims.get("aud") != "upload" or claims.get("for") != whose(caller):
            raise _bad(place, "must be an upload of your own: upload the file yourself")
        return {"name": safe_name(one.name), **{name: claims[name] for name in ("sha256", "size", "media_type")}}

    async def sweep(self) -> None:
        """Take away what the owner's events name no more; nothing while the store is empty.

        Raises:
            OtherStoreError: The directory is another store's.
        """
        first = await self._store.pool.fetchval("SELECT event_id::text FROM event ORDER BY position LIMIT 1")
        if first is not None:
            await self.files.sweep(self._owner, first, self._named)

    async def _named(self, digests: Sequence[str]) -> set[str]:
        rows = await self._store.pool.fetch(_NAMED, list(digests))
        return {row["sha256"] for row in rows}


_NAMED = """
SELECT sha256 FROM unnest($1::text[]) AS asked (sha256)
WHERE EXISTS (
    SELECT FROM event WHERE personal ? 'attachments' -- as the index says it
    AND personal -> 'attachments' @> jsonb_build_array(jsonb_build_object('sha256', sha256))
)
"""


def whose(caller: Caller) -> str:
    """Return what names the caller in what is good for him alone, and names him to nobody."""
    return str(derived("upload", caller.identity))


def _bad(place: int, message: str) -> Problem:
    field = f"attachments.{place}.upload"
    return Problem(422, f"{field} {message}.", fields={field: message})
