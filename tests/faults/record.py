"""What each fault came to, written down for whoever asks: `faults.json` (or $LEDGERDESK_FAULTS_JSON)."""

import json
import os
from pathlib import Path
from typing import Any

PATH = Path(os.environ.get("LEDGERDESK_FAULTS_JSON", "faults.json"))


def begin() -> None:
    """Forget what an earlier run has written."""
    PATH.unlink(missing_ok=True)


def note(entry: dict[str, Any]) -> None:
    """Add an entry; written at once, so that a run that is broken off has left what it saw."""
    entries = json.loads(PATH.read_text()) if PATH.exists() else []
    PATH.write_text(json.dumps([*entries, entry], indent=1) + "\n")
