"""Seals, audits and histories of a stack that runs."""

import subprocess
import sys
from uuid import uuid4

from tests.e2e.desk import ledgerdesk


def test_a_ticket_s_history_is_sealed_taken_out_and_checked(stack, person, tmp_path):
    assert (stack.data / "audit.key").stat().st_mode & 0o077 == 0, "the stack makes its key at the first start"
    subject = f"Proof {uuid4().hex[:8]}"
    body = {"subject": subject, "body": "words", "requester": {"email": "ken@example.org", "name": "Ken"}}
    created = person("john").post("/tickets", json=body)
    assert created.status_code == 201, created.text
    out = tmp_path / "ticket.json"
    exported = ledgerdesk(stack, "history", "export", created.json()["id"], "--out", str(out), "--seal")
    assert exported.returncode == 0, exported.stderr
    assert subject in out.read_text()
    checked = subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", "history", "check", str(out), "--key", str(stack.data / "audit.pub")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert f"holds: ticket {created.json()['number']}" in checked.stdout
    audited = ledgerdesk(stack, "verify", "--audit")
    assert "audited against seal" in audited.stdout, audited.stderr
    assert "0 differences" in " ".join(audited.stdout.split())
    assert "last seal: " in ledgerdesk(stack, "doctor").stdout
