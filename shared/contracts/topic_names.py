"""The topics and their partitions. Imports nothing: the embedded stack's supervisor, which is kept small, needs them."""

TICKETS = "ledgerdesk.tickets"
DIRECTORY = "ledgerdesk.directory"
IDENTITY = "ledgerdesk.identity"
INGRESS = "ledgerdesk.ingress"
DEADLETTER = "ledgerdesk.deadletter"

PARTITIONS = {TICKETS: 12, DIRECTORY: 1, IDENTITY: 1, INGRESS: 4, DEADLETTER: 1}
"""Frozen: changing the count of a keyed topic breaks the order of every stream."""
