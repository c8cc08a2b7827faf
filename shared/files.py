"""Files that people attach: kept by their content (SHA-256) in a directory, never in events or a database.

The directory has a part for what was uploaded, and one for each owner whose events name files. Naming a file puts a hard link into
the owner's part before the event is written, so what an event names is there whatever crashes in between. Each owner takes away by
himself what his own store names no more; uploads go after a day. One content is one file on disk, however many links it has.
"""

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import puremagic

KEPT_UNUSED = 24 * 3600.0
"""Seconds for which a file is kept that nothing names: an upload, or what was blanked."""
ROOM = 256 * 1024 * 1024
"""Bytes of the disk that no upload may take: the database may live there, too, and takes no command without."""
UPLOADS = "uploads"
OF_STORE = "store"
"""The file that says whose an owner's part is."""
UNKNOWN = "application/octet-stream"
IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
"""What may be shown within a page, by what its bytes are. No drawing (SVG) is: it can hold scripts, and more."""
MOST_OF_A_NAME = 120
_SNIFFED = 8192
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BATCH = 500


class TooLargeError(ValueError):
    """More bytes came than a file may have."""


class NoRoomError(OSError):
    """The disk has no more room for files: what is left is the database's."""


class OtherStoreError(RuntimeError):
    """The files in an owner's part belong to another store than the one that asks."""


class GoneError(LookupError):
    """What was uploaded is not there any more."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A content: its digest, its bytes, and what it is by its first bytes."""

    sha256: str
    size: int
    media_type: str


def media_type_of(head: bytes) -> str:
    """Return what a file is by its first bytes; never what its sender or its name says."""
    if head.startswith(b"PK\x03\x04"):
        return "application/zip"  # an office's document is one, too; the library takes every archive for a document
    try:
        found = puremagic.from_string(head, mime=True)
    except Exception:  # the library meets hostile bytes here: whatever it stumbles over, the type is unknown
        found = ""
    if found:
        return str(found)
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head[: error.start].decode() if error.start >= len(head) - 3 else ""  # a character that was cut in two
    return "text/plain" if text and "\x00" not in text else UNKNOWN


def safe_name(given: str) -> str:
    """Return a file name that harms nobody who saves it: no path, no control or direction marks, not hidden, not long."""
    name = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*')
    name = re.sub(r"\s+", " ", name).strip(" .")
    if len(name) > MOST_OF_A_NAME:
        stem, dot, ending = name.rpartition(".")
        keep = dot + ending if stem and len(ending) <= 10 else ""  # noqa: PLR2004 -- what is longer is no ending
        name = name[: MOST_OF_A_NAME - len(keep)].rstrip(" .") + keep
    return name or "file"


class Files:
    """The directory. Its methods that write block for the disk, so they run in threads.

    Args:
        root: Where; every process that takes or serves files sees the same one.
        most_bytes: Of one file.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        self.root = root
        self.most_bytes = most_bytes

    async def receive(self, chunks: AsyncIterator[bytes]) -> Stored:
        """Take what is uploaded: whole, or not at all.

        Raises:
            TooLargeError: It is over `most_bytes`.
            NoRoomError: The disk is nearly full.
        """
        folder = self.root / UPLOADS
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        if shutil.disk_usage(folder).free < self.most_bytes + ROOM:
            raise NoRoomError("the disk is nearly full")
        digest, size, head = hashlib.sha256(), 0, b""
        file = tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False)  # noqa: SIM115 -- closed below
        try:
            with file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self.most_bytes:
                        raise TooLargeError(f"the file is over {self.most_bytes} bytes")
                    digest.update(chunk)
                    head += chunk[: max(0, _SNIFFED - len(head))]
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(_to_disk, file)
            stored = Stored(digest.hexdigest(), size, media_type_of(head))
            await asyncio.to_thread(self._keep, Path(file.name), stored.sha256)
        finally:
            await asyncio.to_thread(Path(file.name).unlink, missing_ok=True)
        return stored

    def _keep(self, temporary: Path, sha256: str) -> None:
        """Give a whole file its name; what is there already only becomes young again."""
        place = self.path(UPLOADS, sha256)
        with self._locked():
            known = next((path for path in self._links(sha256) if path.exists()), None)
            if known is not None:
                os.utime(known)
            if not place.exists():
                _link(known or temporary, place)

    def _links(self, sha256: str) -> Iterator[Path]:
        for part in self.root.iterdir():
            if part.is_dir():
                yield self.path(part.name, sha256)

    def path(self, part: str, sha256: str) -> Path:
        """Return where a content is in an owner's part.

        Raises:
            ValueError: It is no digest.
        """
        if not _DIGEST.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no SHA-256")
        return self.root / part / sha256[:2] / sha256

    async def claim(self, owner: str, sha256: str) -> None:
        """Keep what was uploaded for an owner, who is about to name it in an event.

        Raises:
            GoneError: It was uploaded too long ago, or never.
        """
        await asyncio.to_thread(self._claim, owner, sha256)

    def _claim(self, owner: str, sha256: str) -> None:
        place, uploaded = self.path(owner, sha256), self.path(UPLOADS, sha256)
        self.root.mkdir(parents=True, exist_ok=True, mode=0o750)
        with self._locked():
            if not place.exists():
                if not uploaded.exists():
                    raise GoneError(sha256)
                _link(uploaded, place)
            os.utime(place)  # the event comes after: nobody takes it for unused until it has

    async def sweep_uploads(self) -> int:
        """Take away uploads that are over a day old; what an owner keeps stays his. Returns how many."""
        return await self._remove(await asyncio.to_thread(self._old, UPLOADS))

    async def sweep(self, owner: str, store: str, named: Callable[[Sequence[str]], Awaitable[set[str]]]) -> int:
        """Take away what an owner's store does not name any more; `named` says which of these digests it does. Returns how many.

        `store` is what the store is known by: of a directory that another store has used nothing is taken, for that one may come
        back (a database that is lost, made anew, and then restored).

        Raises:
            OtherStoreError: It is another's.
        """
        if not await asyncio.to_thread(self._is_of, owner, store):
            raise OtherStoreError(f"{self.root / owner} holds the files of another store: nothing is taken away")
        removed, old = 0, await asyncio.to_thread(self._old, owner)
        for start in range(0, len(old), _BATCH):
            batch = old[start : start + _BATCH]
            kept = await named([path.name for path in batch])
            removed += await self._remove([path for path in batch if path.name not in kept])
        return removed

    def _is_of(self, owner: str, store: str) -> bool:
        """Whether an owner's part is of this store; one that is nobody's yet becomes it."""
        mark = self.root / owner / OF_STORE
        self.root.mkdir(parents=True, exist_ok=True, mode=0o750)
        with self._locked():
            if not mark.exists():
                mark.parent.mkdir(exist_ok=True, mode=0o750)
                mark.write_text(store)
            return mark.read_text() == store

    def _old(self, part: str) -> list[Path]:
        until = time.time() - KEPT_UNUSED
        found = []
        for path in (self.root / part).rglob("*"):
            try:
                if path.name != OF_STORE and path.is_file() and path.stat().st_mtime < until:
                    found.append(path)
            except FileNotFoundError:
                continue  # another process was faster
        return found

    async def _remove(self, paths: Sequence[Path]) -> int:
        return await asyncio.to_thread(self._unlink, paths) if paths else 0

    def _unlink(self, paths: Sequence[Path]) -> int:
        removed, until = 0, time.time() - KEPT_UNUSED
        with self._locked():
            for path in paths:
                # Looked at again under the lock: it may have been uploaded or named anew since it was found to be unused.
                if path.exists() and path.stat().st_mtime < until:
                    path.unlink()
                    removed += 1
        return removed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the directory against other processes while links come and go."""
        with (self.root / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _to_disk(file: "tempfile._TemporaryFileWrapper[bytes]") -> None:
    file.flush()
    os.fsync(file.fileno())


def _link(source: Path, place: Path) -> None:
    """Make a link that a power cut does not take back."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    place.hardlink_to(source)
    for folder in (place.parent, place.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
