"""The services there are, and what each takes. Imports nothing: the embedded stack's supervisor, which is kept small, needs it."""

SERVICES = ("intake", "routing", "workflow", "reporting", "knowledge", "gateway")

OWNERS = tuple(name for name in SERVICES if name != "reporting")
"""Those with a store of their own; reporting writes nothing."""

POOL = 8
"""Connections of a service's pool, at most: it has one in each of its processes."""
