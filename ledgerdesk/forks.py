"""The embedded stack's fork server: loads what its processes have in common, then becomes each of them when asked.

`ledgerdesk up` runs it (`python -m ledgerdesk.forks`). What it forks runs the command line with the arguments it was given,
as if it had been started with them.
"""

import gc
import importlib
import sys

from shared.embedded import serve_forks
from shared.service_names import SERVICES

COMMON = (
    "ledgerdesk.cli", "ledgerdesk.host", "ledgerdesk.initialise",
    *(f"services.{name}.app" for name in SERVICES),
    "uvloop",
    "httpcore",  # else every process loads it for itself, with its first client
)  # fmt: skip


def main() -> None:
    """Load, then fork until the supervisor hangs up."""
    gc.disable()  # what is imported stays; looking for garbage in it takes a tenth of the time
    for name in COMMON:
        importlib.import_module(name)
    importlib.import_module("shared.http.trust").trusted()
    arguments = serve_forks(sys.stdin.fileno())
    if arguments is not None:
        gc.enable()
        importlib.import_module("ledgerdesk.cli").app(arguments)


if __name__ == "__main__":
    main()
