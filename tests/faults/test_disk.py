"""PostgreSQL's disk is full: commands are answered with an error and a reason to come back, and nothing acknowledged is lost."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.testing.wait import wait_until
from tests.faults.apart import apart
from tests.faults.trial import Trial, trial

SIZE_MB = 400


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, in memory; needs the right to mount one."""
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-disk-") as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0755", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"this test mounts a small disk, which takes root: {done.stderr}"
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_loses_nothing(small_disk):
    ballast = small_disk / "ballast"

    def fill(at: Trial) -> None:
        with ballast.open("wb") as file:  # all there is; the next page or log segment has no room
            try:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            except OSError:
                pass  # full
        wait_until(
            lambda: at.load.attempts > len(at.load.sent) + 20,
            timeout=120,
            message="commands that the full disk refuses",
        )
        at.killed = True
        ballast.unlink()
        postgres = at.desk.postgres
        if not postgres.ready():  # it stops when it cannot write its log; who watches over it starts it again
            postgres.process.kill()
            postgres.process.start()

    with apart(postgres_at=small_disk / "postgres") as desk:
        trial(desk, "disk full under PostgreSQL", "outage", fill)
