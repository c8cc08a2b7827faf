"""Tasks of a ticket, the time that was spent on it, and who watches it. Pure."""

from dataclasses import replace
from typing import Any

from services.workflow.domain.state import Life, Task, fact, start
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal


def task_said(state: Life, event: Event) -> Life:
    """Fold a task's event."""
    data, tasks = event.data, dict(state.tasks)
    key = data["task"]
    task = tasks.get(key, Task())
    match event.name:
        case "task_added" | "task_changed":
            tasks[key] = replace(task, agent=data.get("agent"), due=data.get("due"), blocks=data.get("blocks", True))
        case "task_dropped":
            tasks.pop(key, None)
        case name:
            tasks[key] = replace(task, done=name == "task_done")
    return replace(state, tasks=tasks)


def time_said(state: Life, event: Event) -> Life:
    """Fold time that was logged, or taken off."""
    minutes = dict(state.minutes)
    if event.name == "time_logged":
        minutes[str(event.event_id)] = event.data["minutes"]
    else:
        minutes.pop(event.data["entry"], None)
    return replace(state, minutes=minutes)


def watching(state: Life, event: Event) -> Life:
    """Fold who watches."""
    who = {event.data["person_id"]}
    return replace(state, watchers=state.watchers | who if event.name == "watched" else state.watchers - who)


FOLDS = {
    **dict.fromkeys(("task_added", "task_changed", "task_done", "task_reopened", "task_dropped"), task_said),
    **dict.fromkeys(("time_logged", "time_removed"), time_said), **dict.fromkeys(("watched", "unwatched"), watching),
}  # fmt: skip


def _as_data(task: Task) -> dict[str, Any]:
    return {"agent": task.agent, "due": task.due, "blocks": task.blocks}


def _task(state: Life, key: str) -> Task:
    task = state.tasks.get(key)
    if task is None:
        raise Refusal("There is no such task on this ticket.", status=404)
    return task


def add_task(
    state: Life, *, key: str, title: str, description: str | None, agent: str | None, due: str | None, blocks: bool
) -> list[NewEvent]:
    """Add a task. `agent` is a person id, `due` RFC 3339.

    Raises:
        Refusal: The ticket is closed.
    """
    if state.status == "closed":
        raise Refusal("A ticket that is closed cannot get tasks: reopen it first.")
    data = {"task": key, **_as_data(Task(agent, due, blocks))}
    return [*start(state), fact("task_added", data, title=title, description=description)]


def change_task(state: Life, *, key: str, title: str | None, changes: dict[str, Any]) -> list[NewEvent]:
    """Change a task: its title, and those of agent, due and blocks that are given. Nothing, if it is so already.

    Raises:
        Refusal: There is no such task.
    """
    task = _task(state, key)
    after = replace(task, **changes)
    if after == task and title is None:
        return []
    return [fact("task_changed", {"task": key, **_as_data(after), "previous": _as_data(task)}, title=title)]


def finish_task(state: Life, *, key: str, message: str | None) -> list[NewEvent]:
    """Say that a task is done. Twice is once.

    Raises:
        Refusal: There is no such task.
    """
    return [] if _task(state, key).done else [fact("task_done", {"task": key}, message=message)]


def reopen_task(state: Life, *, key: str, message: str | None) -> list[NewEvent]:
    """Say that a task is not done after all.

    Raises:
        Refusal: There is no such task, or the ticket is closed.
    """
    if not _task(state, key).done:
        return []
    if state.status == "closed":
        raise Refusal("A ticket that is closed cannot have open tasks: reopen it first.")
    return [fact("task_reopened", {"task": key}, message=message)]


def drop_task(state: Life, *, key: str, message: str | None) -> list[NewEvent]:
    """Drop a task that nobody needs any more.

    Raises:
        Refusal: There is no such task.
    """
    _task(state, key)
    return [fact("task_dropped", {"task": key}, message=message)]


def log_time(state: Life, *, minutes: int, on: str, billable: bool, note: str | None) -> list[NewEvent]:
    """Log minutes of work done on a day (`YYYY-MM-DD`); in any state."""
    del state
    return [fact("time_logged", {"minutes": minutes, "on": on, "billable": billable}, note=note)]


def remove_time(state: Life, *, entry: str) -> list[NewEvent]:
    """Take a logged time off again; it stays on the timeline.

    Raises:
        Refusal: There is no such entry.
    """
    if entry not in state.minutes:
        raise Refusal("There is no such time on this ticket.", status=404)
    return [fact("time_removed", {"entry": entry, "minutes": state.minutes[entry]})]


def watch(state: Life, *, person: str) -> list[NewEvent]:
    """Keep an eye on it."""
    return [] if person in state.watchers else [fact("watched", {"person_id": person})]


def unwatch(state: Life, *, person: str) -> list[NewEvent]:
    """Look away."""
    return [fact("unwatched", {"person_id": person})] if person in state.watchers else []
