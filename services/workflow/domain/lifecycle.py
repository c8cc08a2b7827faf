"""The desk's lifecycle: its own states, each of one status, and what is configured of who may make which move, and when. Pure.

For a verb of which nothing is configured, `life` has the rules that hold anyway. Otherwise one of the configured moves must allow
it: they are alternatives. What a verb means stays what it is: nothing is resumed that is not on hold.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.workflow.domain.state import WORKED, Life
from shared.contracts.permissions import DEFAULTS
from shared.refusal import Refusal

Entry = Mapping[str, Any]
REQUESTER = "requester"


@dataclass(frozen=True, slots=True)
class Verb:
    """A move that can be configured.

    Attributes:
        done: As it reads in "cannot be …".
        at: Statuses in which it means something.
        usual: Of these, those in which it is allowed if nothing is configured.
        to: The status it leads to; None: it leaves the status as it is.
        words: The field of its words.
        requesters: Whether the requester of a ticket can make it at all.
    """

    done: str
    at: frozenset[str]
    usual: frozenset[str]
    to: str | None
    words: str = "message"
    requesters: bool = False


_LIVE = WORKED | {"resolved"}
_ANY = _LIVE | {"closed"}
VERBS: Mapping[str, Verb] = {
    "hold": Verb("held", WORKED, WORKED, "on_hold", "reason"),
    "resume": Verb("resumed", frozenset({"on_hold"}), frozenset({"on_hold"}), "open", "reason"),
    "resolve": Verb("resolved", WORKED, WORKED, "resolved", "resolution"),
    "close": Verb("closed", _LIVE, _LIVE - {"new"}, "closed", requesters=True),
    "reopen": Verb("reopened", _ANY - WORKED, _ANY - WORKED, "open", requesters=True),
    "escalate": Verb("escalated", WORKED, WORKED, None),
    "acknowledge": Verb("acknowledged", _LIVE, _LIVE, None),
    "prioritise": Verb("prioritised", _LIVE, _LIVE, None),
    "state": Verb("put into another state", _ANY, _ANY, None),
}


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of a lifecycle, for somebody.

    Attributes:
        states: Key to state.
        rules: Verb to the configured moves of it.
        roles: Of who moves: his account's, the one he has in the ticket's department, `requester` if the ticket is his.
        desk: Whether he sees what is the desk's business: its states that are not public, and who may what.
    """

    states: Mapping[str, Entry] = field(default_factory=dict)
    rules: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    desk: bool = True

    def rules_of(self, verb: str) -> Sequence[Entry]:
        """Return what is configured of a verb."""
        return self.rules.get(verb, ())

    def names(self, status: str) -> list[str]:
        """Return the keys of the states of a status that can be chosen."""
        return [
            key
            for key, state in self.states.items()
            if state["status"] == status and state["active"] and self.shows(key)
        ]

    def shows(self, key: str) -> bool:
        """Whether the name of a state, or of a status, is for his eyes."""
        return self.desk or key not in self.states or bool(self.states[key]["public"])


USUAL = Moves()
"""Nothing is configured; or nobody asks: what the desk's policy does by itself is not judged."""


def moves_of(entry: Entry | None, roles: frozenset[str], *, desk: bool = True) -> Moves:
    """Return the moves of a configured lifecycle (None: there is none) for somebody with these roles; see `Moves`."""
    if entry is None:
        return Moves(roles=roles, desk=desk)
    rules: dict[str, list[Entry]] = {}
    for move in entry["moves"]:
        rules.setdefault(move["verb"], []).append(move)
    return Moves({state["key"]: state for state in entry["states"]}, rules, roles, desk)


def judge(state: Life, name: str, moves: Moves, *, to: str | None = None, said: str | None = None) -> None:
    """See to it that a move is one that the lifecycle allows.

    Args:
        state: The ticket.
        name: The verb.
        moves: What is configured, for whom.
        to: The state that the move names.
        said: The words that were left with it.

    Raises:
        Refusal: 422, there is no such state, or words are missing; 403, not by these roles; 409, not from here, or not to there.
            It says what would be allowed.
    """
    verb = VERBS[name]
    target = verb.to or _status_of(state, to, moves)
    stays = (target, to) == (state.status, state.state)  # also in a state that is retired by now
    if to is not None and not stays and to not in moves.names(target):
        raise _no_such_state(target, moves)
    rules = moves.rules_of(name)
    if not rules:
        return
    mine = [rule for rule in rules if not rule["by"] or moves.roles & set(rule["by"])]
    if not mine:
        able = _any_of(sorted({role for rule in rules for role in rule["by"]})) if moves.desk else "the desk"
        raise Refusal(f"By the desk's lifecycle, a ticket can be {verb.done} by {able} only.", status=403)
    here = [rule for rule in mine if _fits(rule["when"] or verb.usual, state.status, state.state)]
    if not here:
        raise _not_from_here(state, verb, moves, rules, mine)
    there = [rule for rule in here if not rule["to"] or _fits(rule["to"], target, to)]
    if not there:
        able = _any_of(sorted({key for rule in here for key in rule["to"] if moves.shows(key)})) or "another state"
        raise Refusal(
            f"By the desk's lifecycle, a ticket that is {_described(state, moves)} can be {verb.done} into {able} only.",
            field="state",
        )  # fmt: skip
    if said is None and all(rule["message"] for rule in there):
        raise Refusal(
            f"By the desk's lifecycle, this takes a {verb.words}: say why.", status=422, field=verb.words
        )  # fmt: skip


def _status_of(state: Life, to: str | None, moves: Moves) -> str:
    """Return the status in which a state is looked for, where the verb changes none: an agent's first act opens a new ticket."""
    target = moves.states.get(to) if to is not None else None
    return "open" if state.status == "new" and target is not None and target["status"] == "open" else state.status


def _fits(named: Collection[str], status: str, key: str | None) -> bool:
    """Whether a status, or the state in it, is among those that a move names. A status stands for all of its states."""
    return status in named or key in named


def _described(state: Life, moves: Moves) -> str:
    """Return the status in words, and in brackets the desk's own state of it."""
    status = state.status.replace("_", " ")
    return f"{status} ({state.state})" if state.state is not None and moves.shows(state.state) else status


def _not_from_here(state: Life, verb: Verb, moves: Moves, rules: Sequence[Entry], mine: Sequence[Entry]) -> Refusal:
    able = _any_of(sorted({where for rule in mine for where in rule["when"] or verb.usual if moves.shows(where)}))
    others = sorted(
        {
            role
            for rule in rules
            if rule not in mine and _fits(rule["when"] or verb.usual, state.status, state.state)
            for role in rule["by"]
        }
    )
    more = f" As it is, it can by {_any_of(others) if moves.desk else 'the desk'}." if others else ""
    return Refusal(
        f"By the desk's lifecycle, a ticket that is {_described(state, moves)} cannot be {verb.done} by you: it must be "
        f"{able or 'further on'}.{more}"
    )


def _no_such_state(status: str, moves: Moves) -> Refusal:
    known = moves.names(status)
    must = f"must be one of {', '.join(known)}" if known else "must be left out: none is configured"
    return Refusal(
        f"state: {must} (of tickets that are {status.replace('_', ' ')}).", status=422, field="state"
    )  # fmt: skip


def _any_of(names: Sequence[str]) -> str:
    return " or ".join(name.replace("_", " ") for name in names)


@dataclass(frozen=True, slots=True)
class Possible:
    """A move that somebody could make: the states it may name, whether it must name one, and whether it takes words."""

    verb: str
    states: Sequence[str]
    plain: bool
    message: bool


def possible(state: Life, moves: Moves) -> list[Possible]:
    """Return the moves that the lifecycle allows somebody on a ticket as it is. Each is tried, so that this says what `judge` says."""
    found = []
    for name, verb in VERBS.items():
        if state.status not in (verb.at if moves.rules_of(name) else verb.usual):
            continue
        able = [to for to in (None, *_targets(state, verb, moves)) if _allows(state, name, moves, to, "words")]
        if able and (name != "state" or len({*able, state.state}) > 1):
            silent = any(_allows(state, name, moves, to, None) for to in able)
            found.append(Possible(name, [to for to in able if to is not None], None in able, not silent))
    return found


def _targets(state: Life, verb: Verb, moves: Moves) -> list[str]:
    """Return the states that a move may lead to."""
    if verb.to is not None:
        return moves.names(verb.to)
    if verb is not VERBS["state"]:
        return []
    return [*moves.names(state.status), *(moves.names("open") if state.status == "new" else ())]


def _allows(state: Life, name: str, moves: Moves, to: str | None, said: str | None) -> bool:
    try:
        judge(state, name, moves, to=to, said=said)
    except Refusal:
        return False
    return True


# -- configuring ----------------------------------------------------------------------------------------------------------


def faults(entry: Entry, roles: frozenset[str]) -> dict[str, str]:
    """Return what is wrong with a lifecycle that is to be configured: path to what would be right.

    Args:
        entry: See `shared.contracts.lifecycle.Lifecycle`.
        roles: The keys of the configured roles.
    """
    found: dict[str, str] = {}
    statuses = {*_ANY}
    states: dict[str, str] = {}
    for number, state in enumerate(entry["states"]):
        if state["key"] in statuses | {"merged"} or state["key"] in states:
            found[f"states.{number}.key"] = "must be another state's key, and none of a status"
        states[state["key"]] = state["status"]
    status_of = {**states, **{status: status for status in statuses}}
    for number, move in enumerate(entry["moves"]):
        verb, path = VERBS[move["verb"]], f"moves.{number}"
        for side, able in (("when", verb.at), ("to", _led_to(move["verb"]))):
            wrong = [key for key in move[side] if status_of.get(key) not in able]
            if wrong:
                known = sorted(key for key, status in status_of.items() if status in able)
                found[f"{path}.{side}"] = (
                    f"{', '.join(wrong)}: must be of {', '.join(known)}" if known else "must be left out"
                )
        known_roles = {*DEFAULTS, *roles} - (set() if verb.requesters else {REQUESTER})
        if unknown := [role for role in move["by"] if role not in known_roles]:
            found[f"{path}.by"] = f"{', '.join(unknown)}: must be of {', '.join(sorted(known_roles))}"
    return found


def _led_to(name: str) -> frozenset[str]:
    to = VERBS[name].to
    return frozenset({to}) if to is not None else _ANY if name == "state" else frozenset()
