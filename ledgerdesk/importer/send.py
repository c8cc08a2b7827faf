"""Facts become ledger: over HTTP, in each stream's order, as often as it takes."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import stamina

from ledgerdesk.importer.facts import Stated
from ledgerdesk.importer.report import ImportReport, RefusedFact

MOST_FACTS = 1000
"""Facts a call, the most an owner takes."""
MOST_BYTES = 8 * 1024 * 1024
"""Bytes a call; well below the 32 MiB that a service takes."""
WINDOW = 3000
"""Facts that are under way together, of all owners. The owners advance through the log side by side: views fold a ticket's
events in the order of its timeline, and what arrives long after its neighbours has to be folded in again."""
_BUSY = frozenset({429, 502, 503, 504})
_TOO_MUCH = frozenset({413, 422})
_ATTEMPTS, _PATIENCE = 10, 120.0
"""How often, and for how many seconds, a call is tried."""


class SendError(RuntimeError):
    """The ledger cannot be reached, or does not let us in. What was stated stays; a second import adds the rest."""


class _BusyError(RuntimeError):
    """An owner asks to come again."""


@dataclass(slots=True)
class _Chunk:
    """Facts of one call, each in JSON."""

    facts: list[bytes] = field(default_factory=list)
    stated: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0

    def add(self, fact: bytes, line: int, event_type: str) -> None:
        self.facts.append(fact)
        self.stated.append((line, event_type))
        self.size += len(fact) + 1

    def halves(self) -> "list[_Chunk]":
        middle = len(self.facts) // 2
        return [_Chunk(self.facts[part], self.stated[part]) for part in (slice(None, middle), slice(middle, None))]


class Sender:
    """States the facts of one log."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, token: Callable[[], str], report: ImportReport,
        sent: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """Take what is needed; nothing is sent yet.

        Args:
            client: Whose timeouts hold.
            url: The stack, e.g. ``http://127.0.0.1:8080``.
            token: Gives a bearer token that is valid now.
            report: Where the outcome is counted.
            sent: Called after every call.
        """
        self._client, self._token, self._report = client, token, report
        self._base = f"{url.rstrip('/')}/api/v1/internal"
        self._sent = sent or (lambda: None)

    async def send(self, facts: Iterable[Stated]) -> None:
        """State facts, and return when all have been answered.

        Raises:
            SendError: An owner stays away, or refuses the token.
        """
        sending: asyncio.Task[None] | None = None
        window: dict[str, list[_Chunk]] = {}
        count = 0
        try:
            for owner, line, fact in facts:
                _add(window.setdefault(owner, []), orjson.dumps(fact), line, fact["type"])
                count += 1
                if count == WINDOW:
                    if sending is not None:
                        await sending
                    sending = asyncio.create_task(self._window(window))
                    await asyncio.sleep(0)  # let it begin before the next window is derived
                    window, count = {}, 0
            if sending is not None:
                await sending
            await self._window(window)
        except BaseException:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            raise

    async def _window(self, window: dict[str, list[_Chunk]]) -> None:
        """State one window: the owners side by side, each owner's calls one after the other."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for owner, chunks in window.items():
                    tasks.create_task(self._work(owner, chunks))
        except ExceptionGroup as group:
            raise _first(group) from None

    async def _work(self, owner: str, chunks: list[_Chunk]) -> None:
        for chunk in chunks:
            self._report.stated.update(event_type for _, event_type in chunk.stated)
            await self._state(owner, chunk)
            self._sent()

    async def _state(self, owner: str, chunk: _Chunk) -> None:
        body = b'{"log":%b,"facts":[%b]}' % (orjson.dumps(self._report.log), b",".join(chunk.facts))
        response = await self._call("POST", f"{self._base}/{owner}/facts", body)
        if response.status_code in _TOO_MUCH:
            # One fact is not fit to be looked at, and the whole call came back: find it, so that the others go in.
            if len(chunk.facts) == 1:
                self._refuse(chunk, 0, _detail(response))
                return
            for half in chunk.halves():
                await self._state(owner, half)
            return
        if response.status_code != httpx.codes.OK:
            raise SendError(f"{owner} answered {response.status_code}: {_detail(response)}")
        answer = orjson.loads(response.content)
        self._report.appended[owner] += answer["appended"]
        self._report.known[owner] += answer["known"]
        for refused in answer["refused"]:
            self._refuse(chunk, refused["index"], refused["reason"])

    def _refuse(self, chunk: _Chunk, index: int, reason: str) -> None:
        line, event_type = chunk.stated[index]
        self._report.refused.append(RefusedFact(line, event_type, reason))

    async def existing(self, owner: str, streams: Sequence[str]) -> set[str]:
        """Return those of these streams that an owner has events of.

        Raises:
            SendError: The owner stays away, or refuses the token.
        """
        found: set[str] = set()
        for begin in range(0, len(streams), MOST_FACTS):
            body = orjson.dumps({"streams": streams[begin : begin + MOST_FACTS]})
            response = await self._call("POST", f"{self._base}/{owner}/versions", body)
            if response.status_code != httpx.codes.OK:
                raise SendError(f"{owner} answered {response.status_code}: {_detail(response)}")
            found.update(orjson.loads(response.content)["versions"])
        return found

    async def _call(self, method: str, url: str, body: bytes | None = None) -> httpx.Response:
        """Call until there is an answer. Facts name themselves, so stating them twice adds nothing."""
        try:
            async for attempt in stamina.retry_context(
                on=(httpx.TransportError, _BusyError), attempts=_ATTEMPTS, timeout=_PATIENCE, wait_max=10.0
            ):
                with attempt:
                    response = await self._try(method, url, body)
        except (httpx.TransportError, _BusyError) as error:
            said = str(error) or type(error).__name__
            raise SendError(f"{url} cannot be reached: {said}. Is the stack up? Import again then.") from error
        if response.status_code in {401, 403}:
            raise SendError(f"{url}: the token was not taken ({response.status_code}): {_detail(response)}")
        return response

    async def _try(self, method: str, url: str, body: bytes | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        response = await self._client.request(method, url, content=body, headers=headers)
        if response.status_code in _BUSY:
            raise _BusyError(f"it answered {response.status_code}: {_detail(response)}")
        return response


def _add(chunks: list[_Chunk], fact: bytes, line: int, event_type: str) -> None:
    """Put a fact into the last of an owner's calls that has room for it."""
    if not chunks or len(chunks[-1].facts) == MOST_FACTS or chunks[-1].size + len(fact) > MOST_BYTES:
        chunks.append(_Chunk())
    chunks[-1].add(fact, line, event_type)


def _detail(response: httpx.Response) -> str:
    """Return what a problem document says, or the beginning of whatever else came."""
    try:
        problem: Any = orjson.loads(response.content)
        errors = "; ".join(f"{e['field']}: {e['message']}" for e in problem.get("errors", [])[:3])
        return f"{problem['detail']} {errors}".strip()
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return response.text[:200]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first of the errors that happened together; the others are mostly the same."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
