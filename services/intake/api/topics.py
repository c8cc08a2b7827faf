"""What tickets can be about, and what is asked of whoever opens one."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.intake.api.common import IntakeDep
from shared.http.caller import CallerDep
from shared.http.forms import FieldShown, audience_of, show_form
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES

router = APIRouter(tags=["intake"], responses=RESPONSES)


class TopicShown(BaseModel):
    """A topic, with its form."""

    key: str
    name: str
    fields: list[FieldShown]


class Topics(BaseModel):
    """The topics there are."""

    items: list[TopicShown]
    next: str | None = None
    without_topic: list[FieldShown] = Field(description="The form of a ticket without a topic")


@router.get("/topics")
async def list_topics(request: Request, caller: CallerDep, intake: IntakeDep) -> Topics:
    """List the topics that tickets can have, each with its form as the caller fills it in."""
    refuse_unknown_parameters(request)
    audience = audience_of(caller, inside=caller.is_desk)
    fields = (await intake.directory.fields()).values()
    items = [
        TopicShown(key=topic["key"], name=topic["name"], fields=show_form(fields, topic["key"], audience))
        for topic in await intake.directory.entries("topic")
        if topic["active"]
    ]
    return Topics(items=items, without_topic=show_form(fields, None, audience))
