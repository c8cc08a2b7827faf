"""Intake by HTTP: open a ticket, add a message, change what was said, let others in; who is who; and configuration."""

from services.intake.api import attachments, organisation, reads, tickets, topics, words
from services.intake.api.common import Intake, NewTicket, RequesterBody

__all__ = ["ROUTERS", "Intake", "NewTicket", "RequesterBody"]

ROUTERS = (tickets.router, attachments.router, topics.router, words.router, reads.router, organisation.internal)
