"""What `ledgerdesk doctor` shows a person."""

import pytest

from ledgerdesk.doctor import show

OWNERS = ("intake", "routing", "workflow", "knowledge", "gateway")


def found(**lag: int) -> dict[str, object]:
    projection = {
        "name": "reporting.views", "versions": {"ticket": {"version": 1}}, "parked": 0, "gaps": 0, "inbox": 1234, "parked_reactions": 0,
        "watermarks": dict.fromkeys(OWNERS, 6_356_515), "lag": dict.fromkeys(OWNERS, 0) | lag,
    }  # fmt: skip
    worker = {
        "name": "worker",
        "pid": 4_194_304,
        "state": "running",
        "restarts": 1,
        "memory_mb": 124.8,
        "services": ["reporting", *OWNERS],
    }
    forks = {"name": "forks", "pid": None, "state": "resting", "restarts": 0, "memory_mb": 0.0, "services": []}
    return {
        "url": "http://127.0.0.1:8080", "ready": True, "error": None, "memory_mb": 275.1, "processes": [forks, worker],
        "owners": [{"owner": "workflow", "position": 6_356_515, "relayed": 6_356_500, "waiting": 15}], "projections": [projection],
        "seal": {"number": 1, "at": "2026-11-26T14:35:05Z"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lag", "behind"), [({}, "-"), ({"workflow": 1500, "intake": 2}, "intake 2 workflow 1,500"), ({"intake": -3}, "-")]
)
def test_it_fits_a_terminal_and_says_who_is_behind(capsys, monkeypatch, lag, behind):
    monkeypatch.setenv("COLUMNS", "80")
    assert show(found(**lag), as_json=False) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert ["workflow", "6,356,515", "6,356,500", "15"] in cells
    assert ["forks (resting)", "-", "-", "0", "0.0"] in cells
    rows = next(cells[at:] for at, row in enumerate(cells) if row[0] == "reporting.views")
    assert " ".join(row[2] for row in rows).strip() == behind
    assert "1,234" in shown
