"""`ledgerdesk doctor`: what runs where, how far everything has come, and what it costs."""

import json
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from ledgerdesk.client import Stack, checked
from shared.embedded import is_same_process, read_state


def examine(data: Path, stack: Stack | None) -> dict[str, Any]:
    """Return what is known of the stack: processes of an embedded one, and what its services say of themselves."""
    found: dict[str, Any] = {"url": stack.url if stack else None, "supervisor": None, "processes": [], "ports": {}}
    state = read_state(data)
    if state is not None:
        found["supervisor"] = _alive(state["supervisor"])
        found["ports"] = state.get("ports", {})
        found["processes"] = [_alive(process) for process in state["processes"]]
    found["memory_mb"] = round(
        sum(p["memory_mb"] for p in [*found["processes"], found["supervisor"] or {"memory_mb": 0}]), 1
    )
    found["projections"], found["owners"], found["ready"], found["error"], found["seal"] = [], [], False, None, None
    if stack is not None:
        try:
            with stack.client() as client:
                found.update(checked(client.get("/internal/projections")))
                found["ready"] = client.get(f"{stack.url}/readyz").is_success
        except (httpx.HTTPError, RuntimeError) as error:
            found["error"] = str(error)
    heads = {owner["owner"]: owner["position"] for owner in found["owners"]}
    for projection in found["projections"]:
        projection["lag"] = {o: heads.get(o, 0) - position for o, position in projection["watermarks"].items()}
    return found


def versions_of(versions: dict[str, dict[str, Any]]) -> str:
    """Return the versions of a projection's views in words; views that were never rebuilt are of version 1 and go without."""
    rebuilt = [
        f"{name} {one['version']} ({one['built_at'][:16]})" for name, one in versions.items() if one["version"] > 1
    ]
    return "\n".join(rebuilt) or "1"


def _alive(process: dict[str, Any]) -> dict[str, Any]:
    """Return a process with its memory (its own part of what is shared counted in), in MB; 0 if it is gone."""
    pid, born = process.get("pid"), process.get("create_time")
    alive = pid is not None and born is not None and is_same_process(pid, born)
    memory = 0.0
    if alive:
        members = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for member in members:
            try:
                memory += member.memory_full_info().pss / 1e6
            except psutil.Error:
                continue  # it ended while we looked
    if process.get("name") is None:  # the supervisor: its children are listed by themselves
        memory = psutil.Process(pid).memory_full_info().pss / 1e6 if alive and pid is not None else 0.0
    return {**process, "alive": alive, "memory_mb": round(memory, 1)}


def _table(*words: str, numbers: tuple[str, ...], title: str | None = None) -> Table:
    """Return a table of words, then numbers, that fits a terminal of 80 columns."""
    table = Table(title=title)
    for at, name in enumerate(words):
        table.add_column(name, no_wrap=at == 0)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def show(found: dict[str, Any], *, as_json: bool) -> int:
    """Print it; return 0 if all is well, 1 if something is not."""
    aside = [p for p in found["projections"] if p["parked"] or p.get("parked_reactions") or p["gaps"]]
    well = bool(found["ready"]) and not aside
    if as_json:
        print(json.dumps(found, indent=1))  # noqa: T201 -- the command's output
        return 0 if well else 1
    console = Console()
    console.print(f"{found['url'] or 'no stack'}: {'ready' if found['ready'] else 'not ready'}", highlight=False)
    if found["error"]:
        console.print(found["error"], style="red", highlight=False)
    if found["processes"]:
        table = _table(
            "process", "services", title=f"{found['memory_mb']} MB in all", numbers=("pid", "restarts", "MB")
        )
        for p in found["processes"]:
            services = ", ".join(p["services"]) or "-"
            table.add_row(
                f"{p['name']} ({p['state']})", services, str(p["pid"] or "-"), str(p["restarts"]), str(p["memory_mb"])
            )
        console.print(table)
    table = _table("store", numbers=("position", "relayed", "waiting"))
    for owner in found["owners"]:
        table.add_row(owner["owner"], *(f"{owner[name]:,}" for name in ("position", "relayed", "waiting")))
    console.print(table)
    table = _table(
        "projection", "version", "behind", numbers=("parked", "gaps", "inbox", "parked reactions")
    )  # how far each is, by store, is in --json
    for p in found["projections"]:
        behind = "\n".join(f"{owner} {lag:,}" for owner, lag in p["lag"].items() if lag > 0) or "-"
        counts = (p["parked"], p["gaps"], p["inbox"], p.get("parked_reactions", 0))
        table.add_row(p["name"], versions_of(p["versions"]), behind, *(f"{count:,}" for count in counts))
    console.print(table)
    if any(p["parked"] or p.get("parked_reactions") for p in aside):
        console.print("events are parked: see `ledgerdesk parked list`, or /admin/parked", style="red", highlight=False)
    if found["seal"] is not None:
        console.print(f"last seal: {found['seal']['number']}, made {found['seal']['at']}", highlight=False)
    elif found["projections"]:
        console.print("no seal yet: history is protected by its chains alone; see `ledgerdesk seal`", style="yellow")
    return 0 if well else 1
