"""Backup and restore: the stores, the stack's keys and files. Views are not saved: they are made of the stores again."""

import asyncio
import contextlib
import gzip
import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import asyncpg

from ledgerdesk import reacted
from ledgerdesk.audit import tables
from ledgerdesk.audit.keys import records_of
from ledgerdesk.audit.records import Record, RecordError
from shared import db
from shared.contracts.catalogue import OWNERS

FORMAT = 1
SEALS = "seals.jsonl"
KEPT_FILES = ("secret.key", "admin.key", "demo.password", "audit.key", "audit.pub", SEALS)
COLUMNS = (
    "position, stream_id, version, event_id, type, schema_version, data, personal, salt, personal_digest, meta, occurred_at, "
    "recorded_at, hash"
)


class BackupError(RuntimeError):
    """The backup cannot be made or used; the message says why and what to do."""


async def backup(dsn: str, data: Path, target: Path, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Write stores, keys and files into one archive, as of one moment. Returns its manifest.

    The archive holds the stack's secret and everybody's words: keep it as you keep those. It is readable by its owner alone.
    """
    manifest: dict[str, Any] = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "stores": {}}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        connection = await asyncpg.connect(dsn, server_settings={"role": db.role_of("verify")})
        try:
            await db.prepare_connection(connection)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await reacted.lock(connection)
                for owner in OWNERS:
                    say(f"store of {owner}")
                    path = folder / f"{owner}.copy.gz"
                    with gzip.open(path, "wb", compresslevel=5) as file:
                        status = await connection.copy_from_query(
                            f'SELECT {COLUMNS} FROM "{owner}".event ORDER BY position', output=_writer(file),
                            format="binary",
                        )  # fmt: skip
                    number = (
                        await connection.fetchval("SELECT last_value FROM intake.ticket_number")
                        if owner == "intake"
                        else None
                    )
                    manifest["stores"][owner] = {
                        "events": int(status.split()[-1]), "sha256": _digest(path), "ticket_number": number,
                    }  # fmt: skip
                manifest["reactions"] = await reacted.read(connection)
                seals = await tables.lines(connection)
        finally:
            await connection.close()
        _copy_keys(data, folder)
        if seals:  # as of the same moment as the stores: the file may have one more by now
            (folder / SEALS).write_text("".join(line + "\n" for line in seals))
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
        _pack(folder, data / "files", target)
    return manifest


def _pack(folder: Path, files: Path, target: Path) -> None:
    """Write the archive beside its place and move it there whole, so that a half one is never taken for one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    with tarfile.open(partial, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
        for path in sorted(files.rglob("*")) if files.is_dir() else ():
            place = path.relative_to(files)
            if not any(part.startswith(".") for part in place.parts):  # half an upload, or a lock
                with contextlib.suppress(FileNotFoundError):  # taken away meanwhile: nothing names it
                    archive.add(path, str("files" / place), recursive=False)
    partial.replace(target)


def _copy_keys(source: Path, target: Path) -> None:
    for name in KEPT_FILES:
        if (source / name).exists():
            (target / name).touch(mode=0o600)
            (target / name).write_bytes((source / name).read_bytes())


def _seals(folder: Path) -> list[Record]:
    try:
        return records_of((folder / SEALS).read_text().splitlines())
    except RecordError as error:
        raise BackupError(f"the archive's {SEALS} is damaged: {error}") from error


def _writer(file: Any) -> Callable[[bytes], Any]:
    async def write(chunk: bytes) -> None:
        await asyncio.to_thread(file.write, chunk)

    return write


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(source: Path, folder: Path) -> dict[str, Any]:
    """Unpack an archive and check it; returns its manifest.

    Raises:
        BackupError: It is none of ours, or damaged.
    """
    try:
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    except (OSError, tarfile.TarError, ValueError) as error:
        raise BackupError(f"{source} is no backup of Ledgerdesk: {error}") from error
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{source} has format {manifest.get('format')}; this program reads {FORMAT}")
    for owner, store in manifest["stores"].items():
        if _digest(folder / f"{owner}.copy.gz") != store["sha256"]:
            raise BackupError(f"{source} is damaged: the store of {owner} is not what was written")
    return manifest


def restore_files(folder: Path, data: Path) -> None:
    """Put files into the data directory of a stack that does not run yet. Before the stores, which are filled once: this can be done again."""
    data.mkdir(parents=True, exist_ok=True)
    if (folder / "files").is_dir():
        shutil.copytree(folder / "files", data / "files", dirs_exist_ok=True)


def restore_keys(folder: Path, data: Path) -> None:
    """Put keys into the data directory of a stack that does not run yet."""
    data.mkdir(parents=True, exist_ok=True)
    _copy_keys(folder, data)


async def restore_stores(
    dsn: str, folder: Path, manifest: dict[str, Any], say: Callable[[str], None] = lambda _: None
) -> int:
    """Fill the empty, migrated stores from an unpacked archive, all or none. Returns how many events there are.

    Raises:
        BackupError: A store is not empty, or a seal cannot be read.
    """
    total = 0
    connection = await asyncpg.connect(dsn)
    try:
        await db.prepare_connection(connection)
        async with connection.transaction():
            await reacted.write(connection, manifest["reactions"])
            for owner, store in manifest["stores"].items():
                say(f"store of {owner}")
                if await connection.fetchval(f'SELECT 1 FROM "{owner}".event LIMIT 1'):
                    raise BackupError(f"the store of {owner} is not empty: restore into a new directory or database")
                with gzip.open(folder / f"{owner}.copy.gz", "rb") as file:
                    await connection.copy_to_table(
                        "event",
                        schema_name=owner,
                        source=cast("BinaryIO", file),
                        format="binary",
                        columns=COLUMNS.split(", "),
                    )
                # The relay starts again from the beginning: what is known is skipped by its versions.
                await connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('\"{owner}\".event', 'position'), "
                    f'(SELECT coalesce(max(position), 1) FROM "{owner}".event))'
                )
                if store["ticket_number"]:
                    await connection.execute("SELECT setval('intake.ticket_number', $1)", store["ticket_number"])
                total += store["events"]
            if (folder / SEALS).exists():
                say("seals")
                await tables.restore(connection, _seals(folder))
    finally:
        await connection.close()
    return total
