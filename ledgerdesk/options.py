"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path, typer.Option("--data", envvar="LEDGERDESK_DATA", help="Directory of the embedded stack.", show_default=True)
]
PortOption = Annotated[int, typer.Option("--port", envvar="LEDGERDESK_PORT", help="Port to serve on.")]
