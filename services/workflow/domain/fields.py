"""Custom fields of a ticket: what they hold, who may change that, and what must be there before it is closed. Pure.

What a field holds is what workflow said last, else what the ticket was opened with. Both keep words tagged (`forms.words`);
workflow's own also with the version of the event that said them, so that blanking it blanks them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.workflow.domain.state import Life, refuse, start
from shared import forms
from shared.contracts.event import Event, NewEvent
from shared.forms import Audience, Form, Values
from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Sheet:
    """A ticket's form, and what its creation says: what workflow needs of others to decide on its fields."""

    form: Form = ()
    topic: str | None = None
    priority: str | None = None
    severity: str | None = None
    values: Values = field(default_factory=dict)

    def held(self, state: Life) -> dict[str, Any]:
        """Return what the fields hold now."""
        return effective(self.values, state.fields)

    def facts(self, state: Life) -> forms.Facts:
        """Return what conditions look at besides fields."""
        return {
            "topic": self.topic, "priority": state.priority or self.priority or "normal",
            "severity": state.severity or self.severity,
        }  # fmt: skip


NO_SHEET = Sheet()


def effective(asked: Values, changes: Values) -> dict[str, Any]:
    """Return what fields hold: what was said last, else what the ticket was opened with."""
    return {key: value for key, value in {**asked, **changes}.items() if value is not None}


def after(changes: Values, data: Values, personal: Values | None, version: int) -> dict[str, Any]:
    """Return what workflow has said of fields after one more `fields_changed`; None: that one holds nothing."""
    said = (personal or {}).get("new") or {}
    kept = {key: value for key, value in changes.items() if key not in data.get("as_created", ())}
    worded = {
        key: forms.words(said.get(key), version=version) if filled else None
        for key, filled in data.get("worded", {}).items()
    }
    return {**kept, **data.get("new", {}), **worded}


def blanked(changes: Values, versions: Collection[int]) -> dict[str, Any]:
    """Return the same without the words of these events."""
    return forms.blank(changes, lambda value: value.get("version") in versions)


def fields_changed(state: Life, event: Event) -> Life:
    """Fold a change of fields."""
    return replace(state, fields=after(state.fields, event.data, event.personal, event.version))


FOLDS = {"fields_changed": fields_changed}


def change_fields(state: Life, *, wanted: Values, sheet: Sheet, audience: Audience) -> list[NewEvent]:
    """Change what fields hold; None: nothing from now on. No event, if they hold that already.

    Raises:
        Refusal: 422, with what is wrong with each field; 409, a customer's ticket is closed, or a closed one would lack what
            it could not be closed without.
    """
    if state.status == "closed" and audience == "customer":
        raise refuse(state, "changed", "reopen it first.")
    before, facts = sheet.held(state), sheet.facts(state)
    changes = forms.decided(sheet.form, before, wanted, audience, facts)
    if not changes:
        return []
    if state.status == "closed":
        lacked = forms.missing(sheet.form, before, facts)
        lacking = forms.missing(sheet.form, effective(before, changes), facts)
        _need([field for field in lacking if field not in lacked], audience)
    new, worded = forms.parted(sheet.form, changes)
    data = {
        "new": new, "old": {key: before.get(key) for key in new}, "worded": {key: text is not None for key, text in worded.items()},
    }  # fmt: skip
    personal = {
        "new": {key: text for key, text in worded.items() if text is not None},
        "old": {key: text for key in worded if (text := forms.bare(state.fields.get(key))) is not None},
    }
    begun = [] if audience == "customer" else start(state)
    return [*begun, NewEvent("ledgerdesk.ticket.fields_changed", data, personal if any(personal.values()) else None)]


def take_fields_back(state: Life, event: Event) -> NewEvent:
    """Return what takes a change back, by the state before it: what each field held then, be it by its creation."""
    data, personal = event.data, event.personal or {}
    touched = {*data.get("new", {}), *data.get("worded", {}), *data.get("as_created", ())}
    before = {key: state.fields[key] for key in sorted(touched) if key in state.fields}
    worded = {key: forms.bare(value) for key, value in before.items() if key in data.get("worded", {})}
    said = {
        "new": {key: value for key, value in before.items() if key not in worded},
        "old": data.get("new", {}),
        "worded": {key: before[key] is not None for key in worded}, "as_created": sorted(touched - set(before)),
    }  # fmt: skip
    words = {"new": {key: text for key, text in worded.items() if text is not None}, "old": personal.get("new", {})}
    return NewEvent("ledgerdesk.ticket.fields_changed", said, words if any(words.values()) else None)


def unfinished(state: Life, sheet: Sheet) -> bool:
    """Whether something is missing that the ticket cannot be closed without."""
    return bool(forms.missing(sheet.form, sheet.held(state), sheet.facts(state)))


def needs_fields(state: Life, *, sheet: Sheet, audience: Audience) -> None:
    """See to it that nothing is missing that the ticket cannot be closed without.

    Raises:
        Refusal: 409, naming each field that is; to a customer, of those that he sees.
    """
    _need(forms.missing(sheet.form, sheet.held(state), sheet.facts(state)), audience)


def _need(lacking: Sequence[forms.CustomField], audience: Audience) -> None:
    seen = [field for field in lacking if forms.may(field, audience, "visible")]
    if seen:
        wrong = {
            field["key"]: f"must be filled in{'' if forms.may(field, audience, 'editable') else ', by the desk,'} before the ticket "
            f"is closed: {field['name']}"
            for field in seen
        }  # fmt: skip
        raise forms.refusal(wrong, 409)
    if lacking:
        raise Refusal("The desk has not filled in yet what is needed to close the ticket: ask them to.")
