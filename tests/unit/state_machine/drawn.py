"""What is drawn for a ticket: who acts, what is said, and lifecycles that a desk could configure."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.routing.domain import Config
from shared.testing.forms import field, when

ME, OTHER, THIRD = (str(UUID(int=n)) for n in (1, 2, 3))
AGENTS = st.sampled_from([ME, OTHER, THIRD])
TAGS = st.sets(st.sampled_from(["vpn", "mail", "urgent"]), max_size=2)
PRIORITIES = st.sampled_from([None, "low", "normal", "high"])
START = datetime(2026, 11, 23, tzinfo=UTC)
WORK = {"new", "open", "on_hold"}
STATES = {"waiting": "on_hold", "vendor": "on_hold", "review": "open", "worked-around": "resolved", "spam": "closed"}
"""The desk's own states, where it has a lifecycle, and the status of each."""
USUAL = {
    "hold": WORK, "resume": {"on_hold"}, "resolve": WORK, "close": {"open", "on_hold", "resolved"}, "reopen": {"resolved", "closed"},
    "escalate": WORK, "acknowledge": WORK | {"resolved"}, "prioritise": WORK | {"resolved"},
    "state": WORK | {"resolved", "closed"},
}  # fmt: skip
"""Where each verb is allowed when nothing is configured. Only closing may be allowed further: of what is new."""
LEADS_TO = {"hold": "on_hold", "resume": "open", "resolve": "resolved", "close": "closed", "reopen": "open"}
WHO = st.sampled_from([frozenset({"agent"}), frozenset({"lead"}), frozenset({"agent", "first"})])
TO = st.sampled_from([None, None, *STATES])
SAID = st.sampled_from([None, "because"])


@st.composite
def moves(draw: st.DrawFn) -> dict[str, Any]:
    """A move that a desk could configure."""
    verb = draw(st.sampled_from(sorted(USUAL)))
    places = USUAL[verb] | ({"new"} if verb == "close" else set())
    led_to = {LEADS_TO[verb]} if verb in LEADS_TO else places if verb == "state" else set()
    some = lambda of: draw(  # noqa: E731 -- drawn from here
        st.lists(
            st.sampled_from([*sorted(of), *(k for k, status in STATES.items() if status in of)]),
            unique=True,
            max_size=3,
        )
        if of
        else st.just([])
    )
    by = draw(st.lists(st.sampled_from(["agent", "lead", "first"]), unique=True, max_size=2))
    return {"verb": verb, "when": some(places), "to": some(led_to), "by": by, "message": draw(st.booleans())}


LIFECYCLES = st.none() | st.builds(
    lambda ways: {
        "key": "desk", "version": 1, "moves": ways,
        "states": [{"key": k, "name": k, "status": v, "public": False, "active": True} for k, v in STATES.items()],
    },
    st.lists(moves(), max_size=6),
)  # fmt: skip
CONFIG = Config(
    agents=[{"person_id": who, "departments": ["support"], "active": True} for who in (ME, OTHER)],
    departments={key: {"key": key, "active": True} for key in ("support", "field")},
)


FORM = [
    field("cause", "choice", required_to_close=True),
    field("note", shown_when=[when("field.cause", "is", "printer")]),
]
WORDS = st.sampled_from([None, "a", "b"])
