"""The pages: server-rendered, plain, and through the same REST API as everybody else.

Read them in this order: `visit.py` (one request of a person), `client.py` (its way to the API), `queue.py`, `ticket.py`
and the others (a page each, with the template of the same name).
"""

from services.gateway.pages import (
    accounts,
    admin,
    brand,
    bulk,
    configuring,
    correcting,
    dashboards,
    display,
    elsewhere,
    filling_in,
    guest,
    helping,
    here,
    inbox,
    knowledge,
    knowledge_editor,
    new_ticket,
    parked,
    profile,
    queue,
    queues,
    reports,
    set_password,
    sign_in,
    static_files,
    ticket,
    welcome,
    work,
)

_OUTSIDE = (brand, welcome, sign_in, elsewhere, set_password, display, guest)
_INSIDE = (
    profile,
    queue,
    queues,
    inbox,
    new_ticket,
    here,
    filling_in,
    correcting,
    helping,
    ticket,
    work,
    bulk,
    reports,
    dashboards,
    knowledge_editor,
    knowledge,
    admin,
    accounts,
    parked,
    static_files,
)
ROUTERS = (*(page.router for page in (*_OUTSIDE, *_INSIDE)), *configuring.ROUTERS)
"""/tickets/new before /tickets/{number}, /kb/new before /kb/{article}"""
