"""The database of a stack, whether it runs or not: commands that read or fill stores work on a stopped embedded stack too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledgerdesk.client import NoStackError, environment_of
from ledgerdesk.up import DATABASE
from shared.embedded import is_same_process, read_state, temporary_postgres
from shared.embedded.rundir import RunDirectory


def is_running(data: Path) -> bool:
    """Whether the embedded stack in this directory runs."""
    state = read_state(data)
    if state is None:
        return False
    supervisor = state["supervisor"]
    return supervisor["pid"] is not None and is_same_process(supervisor["pid"], supervisor["create_time"])


@contextmanager
def database_of(data: Path, *, create: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield (DSN, whether the stack runs).

    In this order: the server named by DATABASE_URL; the running embedded stack's; the stopped one's, started for as long as
    this lasts, alone and under the data directory's lock.

    Raises:
        NoStackError: There is none, and `create` does not ask for a new one.
    """
    named = os.environ.get("DATABASE_URL")
    if named:
        yield named, True
    elif is_running(data):
        yield environment_of(data)["DATABASE_URL"], True
    elif create or (data / "postgres" / "data" / "PG_VERSION").exists():
        data.mkdir(parents=True, exist_ok=True)
        with RunDirectory(data), temporary_postgres(data.resolve() / "postgres") as server:
            server.ensure_database(DATABASE)
            yield server.dsn(DATABASE), False
    else:
        raise NoStackError(f"no stack has run in {data}: start one with `ledgerdesk up --data {data}`")
