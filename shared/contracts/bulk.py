"""Payloads of moves that were made on many tickets at once."""

from shared.contracts.fields import Id, Key, Strict


class BulkDone(Strict):
    """A move on many tickets was made: the verb, and the tickets on which it was."""

    verb: Key
    tickets: list[Id]


class BulkUndone(Strict):
    """It was taken back on these."""

    tickets: list[Id]
