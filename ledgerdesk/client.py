"""How commands reach a running stack: by LEDGERDESK_URL and a key, or by the embedded stack's own directory."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import stamina

PATIENCE = 60.0
"""Seconds for which a stack that is being restarted is asked again, where nobody waits at a terminal for its state."""
_AWAY = frozenset({502, 503, 504})


class NoStackError(RuntimeError):
    """There is no stack to talk to; the message says how to start or name one."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack, as a client sees it."""

    url: str
    key: str

    def client(self, on_behalf_of: str | None = None, *, patience: float = 0.0) -> httpx.Client:
        """Return an HTTP client that is signed in.

        Args:
            on_behalf_of: Whose login or address commands are given for.
            patience: Seconds for which a stack that is being restarted is asked again.
        """
        headers = {"Authorization": f"Bearer {self.key}"}
        if on_behalf_of:
            headers["Ledgerdesk-On-Behalf-Of"] = on_behalf_of
        transport = _Patient(patience) if patience else None
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers=headers, timeout=60, trust_env=False, transport=transport
        )


class _AgainError(RuntimeError):
    """The stack is there and cannot answer now."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"it answered {response.status_code}")
        self.response = response


class _Patient(httpx.BaseTransport):
    """Asks again while the stack is away: what reads, what has an Idempotency-Key, and what never arrived."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._wire = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        repeatable = request.method in {"GET", "HEAD", "PUT", "DELETE"} or "Idempotency-Key" in request.headers
        worth_it = (httpx.TransportError, _AgainError) if repeatable else (httpx.ConnectError,)
        try:
            for attempt in stamina.retry_context(on=worth_it, attempts=None, timeout=self._seconds, wait_max=1.0):
                with attempt:
                    response = self._once(request, repeatable=repeatable)
        except _AgainError as error:
            return error.response
        return response

    def _once(self, request: httpx.Request, *, repeatable: bool) -> httpx.Response:
        response = self._wire.handle_request(request)
        if repeatable:
            response.read()  # here: an answer that breaks off in the middle is asked for again, too
            if response.status_code in _AWAY:
                raise _AgainError(response)
        return response

    def close(self) -> None:
        self._wire.close()


def environment_of(data: Path) -> dict[str, str]:
    """Return what the embedded stack in a directory runs with.

    Raises:
        NoStackError: No stack has ever run there.
    """
    path = data / "run" / "environment.json"
    if not path.exists():
        raise NoStackError(
            f"no stack has run in {data}: start one with `ledgerdesk up --data {data}`, or name a running one with "
            "LEDGERDESK_URL and LEDGERDESK_ADMIN_API_KEY"
        )
    found: dict[str, str] = json.loads(path.read_text())
    return found


def find_stack(data: Path) -> Stack:
    """Return the stack of the environment, or else the embedded one in `data`.

    Raises:
        NoStackError: There is neither, or no key for it.
    """
    url = os.environ.get("LEDGERDESK_URL", "")
    key = os.environ.get("LEDGERDESK_ADMIN_API_KEY", "")
    if url:
        if not key:
            raise NoStackError(
                "LEDGERDESK_URL is set, but LEDGERDESK_ADMIN_API_KEY is not: give the key of an administrator"
            )
        return Stack(url.rstrip("/"), key)
    env = environment_of(data)
    return Stack(f"http://127.0.0.1:{env['LEDGERDESK_PORT']}", env["LEDGERDESK_ADMIN_API_KEY"])


def checked_text(response: httpx.Response) -> str:
    """Return the text of a good answer.

    Raises:
        RuntimeError: It was not a good one.
    """
    if not response.is_success:
        checked(response)
    return response.text


def checked(response: httpx.Response) -> Any:
    """Return the JSON of a good answer.

    Raises:
        RuntimeError: It was not a good one; the message is the problem's own.
    """
    if response.is_success:
        return response.json() if response.content else None
    try:
        problem = response.json()
        errors = "; ".join(f"{e['field']}: {e['message']}" for e in problem.get("errors", []))
        detail = f"{problem['detail']} {errors}".strip()
    except (ValueError, KeyError):
        detail = response.text[:500]
    raise RuntimeError(f"{response.request.method} {response.request.url.path}: {response.status_code}: {detail}")
