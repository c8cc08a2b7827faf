"""A seal a day, made by the process that serves the gateway, in a process of its own: hashing must not stall requests."""

import asyncio
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from shared import db
from shared.settings import Settings

GRACE = 30.0
"""Seconds after the start before it is looked whether a seal is due: a start has other things to do."""
PAUSE = 600.0
"""Seconds between looks, so that neither a clock that is set nor a machine that slept matters."""
REFUSED = 2
"""Exit code of a seal that was refused because sealed history was changed."""
log = structlog.get_logger("seal")


async def newest_seal(pool: db.Pool) -> dict[str, Any] | None:
    """Return number, day and time of the newest seal; unchecked, for a person to look at."""
    text = await pool.fetchval("SELECT record FROM ledgerdesk.seal ORDER BY number DESC LIMIT 1")
    record = orjson.loads(text) if text is not None else None
    return {name: record[name] for name in ("number", "day", "at")} if record is not None else None


class DailySeals:
    """Runs `ledgerdesk seal --daily` once each day, and at the start; the command knows whether one is due."""

    def __init__(self, settings: Settings, key: Path, *, grace: float = GRACE, pause: float = PAUSE) -> None:
        self._environment = {
            **os.environ, "DATABASE_URL": settings.database_url, "LEDGERDESK_AUDIT_KEY_FILE": str(key),
            **({"LEDGERDESK_AUDIT_SEALS_FILE": str(settings.audit_seals_file)} if settings.audit_seals_file else {}),
        }  # fmt: skip
        self._grace, self._pause = grace, pause
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="daily seals")

    async def stop(self) -> None:
        """End; a seal that is being made is not."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        await asyncio.sleep(self._grace)
        done: date | None = None
        while True:
            today = datetime.now(UTC).date()
            if done != today and await self._seal():
                done = today
            await asyncio.sleep(self._pause)

    async def _seal(self) -> bool:
        """Make the seal if it is due. Returns whether there is no more to do today: what was refused stays refused."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledgerdesk.cli", "seal", "--daily", env=self._environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            said = (await process.communicate())[0].decode(errors="replace").strip()
        except asyncio.CancelledError:
            process.terminate()  # nothing is lost: it commits whole or not at all
            await process.wait()
            raise
        if process.returncode == 0:
            await log.ainfo("seal", said=said)
        else:
            await log.aerror("seal failed", exit_code=process.returncode, said=said)
        return process.returncode in (0, REFUSED)
