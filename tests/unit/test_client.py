"""What the command line's client asks again while a stack is being restarted, and what it must not."""

from collections.abc import Iterator

import httpx
import pytest
import stamina

from ledgerdesk.client import Stack

STACK = Stack("http://desk.invalid", "ldk_key")


class BrokenOff(httpx.SyncByteStream):
    """An answer whose end never comes."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"asked":'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class Wire(httpx.BaseTransport):
    """Fails as told, then answers."""

    def __init__(self, *first: int | Exception | BrokenOff) -> None:
        self.first = list(first)
        self.asked = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        happens = self.first.pop(0) if self.first else 200
        if isinstance(happens, Exception):
            raise happens
        if isinstance(happens, BrokenOff):
            return httpx.Response(200, stream=happens, request=request)
        return httpx.Response(happens, json={"asked": self.asked}, request=request)


def client_on(wire: Wire) -> httpx.Client:
    client = STACK.client(patience=30)
    client._transport._wire = wire
    return client


@pytest.fixture(autouse=True)
def at_once():
    """Five attempts, without the pauses between them."""
    with stamina.set_testing(True, attempts=5):
        yield


KEYED = {"Idempotency-Key": "k"}


@pytest.mark.parametrize("away", [503, 502, httpx.ReadError("gone"), httpx.ConnectError("not there"), BrokenOff()])
@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("PUT", {}), ("POST", KEYED)])
def test_what_may_be_repeated_is_asked_again(away, method, headers):
    with client_on(Wire(away, away)) as client:
        answer = client.request(method, "/tickets", headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"asked": 3})


def test_a_command_without_a_key_is_sent_again_only_if_it_never_arrived():
    with client_on(Wire(httpx.ConnectError("not there"))) as client:
        assert client.post("/tickets").json() == {"asked": 2}
    lost = Wire(httpx.ReadError("sent, and no answer"))
    with client_on(lost) as client, pytest.raises(httpx.ReadError):
        client.post("/tickets")
    assert lost.asked == 1
    with client_on(Wire(503)) as client:
        assert client.post("/tickets").status_code == 503


@pytest.mark.parametrize("refused", [404, 409, 500])
def test_an_answer_is_an_answer(refused):
    with client_on(Wire(refused)) as client:
        assert client.get("/tickets").json() == {"asked": 1}


def test_patience_ends_with_what_was_said_last():
    wire = Wire(*[503] * 1000)
    with client_on(wire) as client:
        assert client.get("/tickets").status_code == 503
    assert wire.asked == 5
