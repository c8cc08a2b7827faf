"""Files by content: names that harm nobody, types that nobody's word decides, and a directory that loses nothing that is named."""

import asyncio
import os
import shutil
import time
import unicodedata
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.files import (
    KEPT_UNUSED,
    MOST_OF_A_NAME,
    ROOM,
    UNKNOWN,
    UPLOADS,
    Files,
    GoneError,
    NoRoomError,
    OtherStoreError,
    TooLargeError,
    media_type_of,
    safe_name,
)


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for one in content:
        yield one


async def broken(*content: bytes) -> AsyncIterator[bytes]:
    for one in content:
        yield one
    raise ConnectionError("the client is gone")


def make_old(path: Path) -> None:
    os.utime(path, (time.time() - KEPT_UNUSED - 60,) * 2)


def whole(files: Files) -> list[Path]:
    return [path for path in files.root.rglob("*") if path.is_file() and path.name != ".lock"]


async def nothing_named(digests: Sequence[str]) -> set[str]:
    del digests
    return set()


async def all_named(digests: Sequence[str]) -> set[str]:
    return set(digests)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files", 100)


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("report.pdf", "report.pdf"), ("../../etc/passwd", "passwd"), ("C:\\Users\\ken\\a.txt", "a.txt"), ("..", "file"), ("", "file"),
        (".bashrc", "bashrc"), ("a\r\nSet-Cookie: x.txt", "aSet-Cookie x.txt"), ("photo\u202egnp.exe", "photognp.exe"), ("a\x00.txt", "a.txt"),
        ('<img src="x">.png', "img src=x.png"), ("x" * 300 + ".pdf", "x" * 116 + ".pdf"), ("Größe 1.txt", "Größe 1.txt"),
    ],
)  # fmt: skip
def test_names_are_made_safe(given_name, safe):
    assert safe_name(given_name) == safe


@given(st.text())
def test_whatever_a_file_is_called_its_name_is_safe(text):
    name = safe_name(text)
    assert 0 < len(name) <= MOST_OF_A_NAME
    assert not set(name) & set('/\\<>:"|?*')
    assert not name.startswith(".")
    assert not any(unicodedata.category(c)[0] == "C" for c in name)
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 30, "image/png"), (b"%PDF-1.4 x", "application/pdf"), (b"hello", "text/plain"),
        ("größe".encode(), "text/plain"), ("größ".encode()[:-1], "text/plain"), (b"", UNKNOWN), (b"\xfa\xfb\xfc\xfd\x00", UNKNOWN),
        (b"PK\x03\x04 and so on", "application/zip"), (b"<!doctype html><html>", "text/html"),
    ],
)  # fmt: skip
def test_the_type_is_what_the_bytes_say(head, media_type):
    assert media_type_of(head) == media_type


@given(st.binary(max_size=300))
def test_no_bytes_are_beyond_it(head):
    assert media_type_of(head)


async def test_the_same_content_is_one_file(files):
    first = await files.receive(pieces(b"a", b"b"))
    await files.claim("intake", first.sha256)
    await files.claim("workflow", first.sha256)
    assert await files.receive(pieces(b"ab")) == first
    assert len({path.stat().st_ino for path in whole(files)}) == 1
    assert files.path("workflow", first.sha256).read_bytes() == b"ab"


async def test_what_comes_again_after_its_upload_went_is_one_file_still(files):
    stored = await files.receive(pieces(b"ab"))
    await files.claim("intake", stored.sha256)
    files.path(UPLOADS, stored.sha256).unlink()
    await files.receive(pieces(b"ab"))
    assert len({path.stat().st_ino for path in whole(files)}) == 1


async def test_what_breaks_off_leaves_nothing(files):
    with pytest.raises(ConnectionError):
        await files.receive(broken(b"half"))
    assert whole(files) == []


async def test_what_is_too_large_leaves_nothing(files):
    with pytest.raises(TooLargeError):
        await files.receive(pieces(b"x" * 100, b"x"))
    assert whole(files) == []
    assert (await files.receive(pieces(b"x" * 100))).size == 100


async def test_what_was_never_uploaded_cannot_be_named(files):
    with pytest.raises(GoneError):
        await files.claim("intake", "0" * 64)
    with pytest.raises(ValueError, match="no SHA-256"):
        await files.claim("intake", "../../etc/passwd")


async def test_an_upload_that_nobody_names_goes_after_a_day(files):
    stored = await files.receive(pieces(b"ab"))
    assert await files.sweep_uploads() == 0
    make_old(files.path(UPLOADS, stored.sha256))
    assert await files.sweep_uploads() == 1
    assert whole(files) == []


async def test_what_a_crash_left_half_goes_with_the_uploads(files):
    await files.receive(pieces(b"ab"))
    half = files.root / UPLOADS / ".half"
    half.write_bytes(b"a")
    make_old(half)
    assert await files.sweep_uploads() == 1
    assert not half.exists()


async def test_what_is_named_stays_and_what_is_not_goes(files):
    kept, gone = await files.receive(pieces(b"kept")), await files.receive(pieces(b"gone"))
    for one in (kept, gone):
        await files.claim("workflow", one.sha256)
        make_old(files.path("workflow", one.sha256))

    async def named(digests: Sequence[str]) -> set[str]:
        return {kept.sha256} & set(digests)

    assert await files.sweep("workflow", "a store", named) == 1
    assert files.path("workflow", kept.sha256).exists()
    assert not files.path("workflow", gone.sha256).exists()


async def test_a_disk_that_is_nearly_full_takes_no_file(files, monkeypatch):
    full = shutil.disk_usage(files.root.parent)._replace(free=files.most_bytes + ROOM - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(NoRoomError):
        await files.receive(pieces(b"ab"))
    assert whole(files) == []


async def test_nothing_is_taken_for_another_store(files):
    """A database that was lost and made anew names no file; once it is restored it names them all again."""
    stored = await files.receive(pieces(b"ab"))
    await files.claim("intake", stored.sha256)
    make_old(files.path("intake", stored.sha256))
    await files.sweep("intake", "the store", all_named)
    with pytest.raises(OtherStoreError, match="another store"):
        await files.sweep("intake", "one made anew", nothing_named)
    assert files.path("intake", stored.sha256).exists()
    assert await files.sweep("intake", "the store", nothing_named) == 1
    assert await files.sweep("intake", "the store", nothing_named) == 0


async def test_each_owner_keeps_his_own(files):
    stored = await files.receive(pieces(b"ab"))
    for owner in ("intake", "workflow"):
        await files.claim(owner, stored.sha256)
        make_old(files.path(owner, stored.sha256))
    await files.sweep("intake", "a store", nothing_named)
    await files.sweep("workflow", "a store", all_named)
    assert not files.path("intake", stored.sha256).exists()
    assert files.path("workflow", stored.sha256).read_bytes() == b"ab"


async def test_what_is_about_to_be_named_is_not_taken_away(files):
    """A crash between the claim and the event leaves the file; a command between them finds it."""
    stored = await files.receive(pieces(b"ab"))
    await files.claim("intake", stored.sha256)
    make_old(files.path("intake", stored.sha256))
    asked = asyncio.Event()

    async def named_meanwhile(digests: Sequence[str]) -> set[str]:
        await files.claim("intake", digests[0])  # the store has been asked, and a command comes
        asked.set()
        return set()

    assert await files.sweep("intake", "a store", named_meanwhile) == 0
    assert asked.is_set()
    assert files.path("intake", stored.sha256).exists()


async def test_what_is_uploaded_again_is_young_again(files):
    stored = await files.receive(pieces(b"ab"))
    make_old(files.path(UPLOADS, stored.sha256))
    await files.receive(pieces(b"ab"))
    assert await files.sweep_uploads() == 0
    assert files.path(UPLOADS, stored.sha256).exists()
