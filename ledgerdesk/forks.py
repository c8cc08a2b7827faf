"""The embedded stack's fork server: loads what its processes have in common, then becomes each of them when asked.

`ledgerdesk up` runs it (`python -m ledgerdesk.forks`). What it forks runs the command line with the arguments it was given,
as if it had been started with them.
"""

import sys

import httpcore  # noqa: F401 -- else every process loads it for itself, with its first client
import uvloop  # noqa: F401 -- the same

from ledgerdesk import cli, host, initialise  # noqa: F401 -- the same
from shared.embedded import serve_forks
from shared.http.trust import trusted
from shared.service_names import SERVICES


def main() -> None:
    """Load, then fork until the supervisor hangs up."""
    for name in SERVICES:
        host.module_of(name)
    trusted()
    arguments = serve_forks(sys.stdin.fileno())
    if arguments is not None:
        cli.app(arguments)


if __name__ == "__main__":
    main()
