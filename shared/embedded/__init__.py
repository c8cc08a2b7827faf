"""The servers of the embedded stack, their supervisor, and the same servers for the length of a test."""

from shared.embedded.broker import EmbeddedBroker
from shared.embedded.forking import ForkServer, serve_forks
from shared.embedded.installation import PostgresError
from shared.embedded.postgres import EmbeddedPostgres
from shared.embedded.process import (
    SUPERVISED,
    ChildSpec,
    OsUser,
    UnusableError,
    free_port,
    is_same_process,
    stop_process,
)
from shared.embedded.rundir import AlreadyRunningError, read_state
from shared.embedded.supervisor import Supervisor
from shared.embedded.temporary import TemporaryBroker, TemporaryPostgres, temporary_broker, temporary_postgres

__all__ = [
    "SUPERVISED",
    "AlreadyRunningError",
    "ChildSpec",
    "EmbeddedBroker",
    "EmbeddedPostgres",
    "ForkServer",
    "OsUser",
    "PostgresError",
    "Supervisor",
    "TemporaryBroker",
    "TemporaryPostgres",
    "UnusableError",
    "free_port",
    "is_same_process",
    "read_state",
    "serve_forks",
    "stop_process",
    "temporary_broker",
    "temporary_postgres",
]
