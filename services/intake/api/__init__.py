"""Intake by HTTP: open a ticket, add a message, change what was said, let others in; who is who; and configuration."""

from services.intake.api.common import Intake, NewTicket, RequesterBody

__all__ = ["Intake", "NewTicket", "RequesterBody"]
