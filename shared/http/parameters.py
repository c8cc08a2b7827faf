"""Parameters of a path: one that is not built is refused, never ignored."""

from collections.abc import Set as AbstractSet

from fastapi import Request

from shared.http.problems import Problem


def refuse_unknown_parameters(request: Request, known: AbstractSet[str] = frozenset()) -> None:
    """Refuse a parameter that is not built (yet): it is never ignored.

    Raises:
        Problem: 400, naming it.
    """
    for name in request.query_params:
        if name not in known:
            raise Problem(400, f"There is no parameter {name!r} here.", fields={name: "is not known to this path"})
