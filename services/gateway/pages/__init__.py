"""The pages: server-rendered, plain, and through the same REST API as everybody else.

Read them in this order: `visit.py` (one request of a person), `client.py` (its way to the API), `queue.py`, `ticket.py`
and the others (a page each, with the template of the same name).
"""
