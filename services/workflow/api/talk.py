"""What is said on a ticket: notes, replies, corrections, words taken back, ratings; and who was called by name."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator

from services.workflow import domain
from services.workflow.api.common import (
    Taken,
    WorkflowApp,
    WorkflowDep,
    for_staff,
    person_of,
    run,
)
from services.workflow.canned import Answer, answer
from shared.contracts.event import NewEvent
from shared.contracts.fields import Body, Key, Strict
from shared.contracts.permissions import Permission
from shared.http.attachments import Attachments
from shared.http.commands import CommandDep, CommandRequest
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import TicketRef, known_ticket

router = APIRouter(tags=["workflow"], responses=RESPONSES)

_MENTION = re.compile(r"(?<![\w@.])@([\w][\w.@+-]*[\w])")
MOST_MENTIONS = 20
Kind = Literal["noted", "replied"]
_SAYING: Mapping[Kind, Permission] = {"noted": "ticket.note", "replied": "ticket.reply"}


class WordsBody(Strict):
    """What is said. `@login` calls an agent's attention."""

    body: Body


class NoteBody(WordsBody):
    """What colleagues are told."""

    attachments: Attachments = []


async def mentioned(workflow: WorkflowApp, body: str) -> list[str]:
    """Return the person ids of the agents that a text calls by `@login`; what is nobody's login is only text."""
    names = list(dict.fromkeys(_MENTION.findall(body)))[:MOST_MENTIONS]
    found = [await workflow.directory.agent(name) for name in names]
    return list(dict.fromkeys(str(person.person_id) for person in found if person is not None))


@router.post("/tickets/{ref}/notes", status_code=201)
async def add_note(ref: TicketRef, body: NoteBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Write an internal note: agents see it, the requester never does."""
    row = await for_staff(ref, "ticket.note", command, workflow)
    mentions = await mentioned(workflow, body.body)
    files = await workflow.attaching.take(body.attachments, command, workflow.tickets)
    return await run(
        row, command, workflow,
        lambda state: domain.note(state, body=body.body, mentions=mentions, attachments=files),
    )  # fmt: skip


class ReplyBody(Strict):
    """What is said to the requester: words, a canned reply, or words that were made from one."""

    body: Body | None = Field(None, description="`@login` calls an agent's attention")
    canned: Key | None = Field(
        None,
        description="Key of a canned reply. Alone, it is sent as it is filled in; beside `body`, it says what those words were made from",
    )
    attachments: Attachments = []

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.body is None and self.canned is None:
            raise ValueError("say something: body, canned, or both")
        return self


@router.post("/tickets/{ref}/replies", status_code=201)
async def add_reply(ref: TicketRef, body: ReplyBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Answer the requester."""
    row = await for_staff(ref, "ticket.reply", command, workflow)
    mentions = await mentioned(workflow, body.body) if body.body is not None else []
    said = Answer(body.body or "")
    if body.canned is not None and await workflow.tickets.repeat_of(command.context()) is None:
        said = await answer(workflow.directory, row, body.canned, command.caller, body.body)
    files = await workflow.attaching.take(body.attachments, command, workflow.tickets)
    return await run(
        row, command, workflow,
        lambda state: domain.reply(
            state, body=said.text, mentions=mentions, canned=said.made_from, attachments=files
        ),
    )  # fmt: skip


async def _change(
    ref: str, event: UUID, kind: Kind, command: CommandRequest, workflow: WorkflowApp,
    change: Callable[..., list[NewEvent]],
) -> Taken:  # fmt: skip
    """Change words: one's own take the permission to say such, others' the one to edit the thread."""
    row = await for_staff(ref, None, command, workflow)
    by, saying = person_of(command.caller), _SAYING[kind]
    command.caller.need_one_of(row, saying, "thread.edit")

    def decide(state: domain.Life) -> list[NewEvent]:
        words = state.words.get(str(event))
        theirs = words is not None and words.by != by
        command.caller.need_permission("thread.edit" if theirs else saying, row)
        return change(state, kind=kind, event=str(event), by=by, others=theirs)

    return await run(row, command, workflow, decide)


async def _edit(
    ref: str, event: UUID, kind: Kind, body: WordsBody, command: CommandRequest, workflow: WorkflowApp
) -> Taken:
    return await _change(ref, event, kind, command, workflow, partial(domain.edit, body=body.body))


async def _take_back(ref: str, event: UUID, kind: Kind, command: CommandRequest, workflow: WorkflowApp) -> Taken:
    taken = await _change(ref, event, kind, command, workflow, domain.take_back)
    await workflow.eraser.blank(taken.id)
    return taken


@router.put("/tickets/{ref}/notes/{event}")
async def edit_note(ref: TicketRef, event: UUID, body: WordsBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Correct a note: one's own, or with `thread.edit` anybody's. What it said before stays on the timeline."""
    return await _edit(ref, event, "noted", body, command, workflow)


@router.put("/tickets/{ref}/replies/{event}")
async def edit_reply(ref: TicketRef, event: UUID, body: WordsBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Correct a reply: one's own, or with `thread.edit` anybody's. The requester reads the correction."""
    return await _edit(ref, event, "replied", body, command, workflow)


@router.delete("/tickets/{ref}/notes/{event}")
async def take_back_note(ref: TicketRef, event: UUID, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Blank a note and its corrections for ever, in the store and everywhere else. That it was written stays."""
    return await _take_back(ref, event, "noted", command, workflow)


@router.delete("/tickets/{ref}/replies/{event}")
async def take_back_reply(ref: TicketRef, event: UUID, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Blank a reply and its corrections for ever, in the store and everywhere else. That it was written stays."""
    return await _take_back(ref, event, "replied", command, workflow)


class RatingBody(Strict):
    """How satisfied the requester is."""

    score: Annotated[int, Field(ge=1, le=5)] = Field(description="1: not at all, 5: very", examples=[5])
    comment: Body | None = None


@router.post("/tickets/{ref}/rating")
async def rate(ref: TicketRef, body: RatingBody, command: CommandDep, workflow: WorkflowDep) -> Taken:
    """Say how satisfied you are with what was done; the ticket's requester alone, and once it is resolved."""
    row = await known_ticket(workflow.pool, ref, command.caller)
    if command.caller.person_id is None or command.caller.person_id != row["requester_id"]:
        raise Problem(403, "Only the requester of the ticket can say how satisfied he is.")
    return await run(row, command, workflow, lambda state: domain.rate(state, score=body.score, comment=body.comment))
