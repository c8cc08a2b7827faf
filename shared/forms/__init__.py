"""Custom fields: which are on a ticket's form, when one is shown, what it may hold, who must fill it in. Pure.

A form is a sequence of `CustomField`s as JSON (`terms`, `definition`). Values are JSON by the field's key; None: nothing
(`values`, `filling`, `reading`). Words (of the types in `WORDED`) are personal: where they are kept beside other values they are
tagged, so that they can be blanked and still be known to have been there (`wording`).
"""

from shared.forms.definition import asks_for, form_of, in_turn, may, shown
from shared.forms.filling import decided, missing, refusal
from shared.forms.reading import SAID_IN, readable, seen_data, visible, without_fields
from shared.forms.terms import NOTHING, PREFIX, Audience, CustomField, Facts, Form, Values
from shared.forms.values import BadValueError, checked, parsed
from shared.forms.wording import WORDED, as_opened, bare, blank, is_words, parted, plain, words

__all__ = [
    "NOTHING",
    "PREFIX",
    "SAID_IN",
    "WORDED",
    "Audience",
    "BadValueError",
    "CustomField",
    "Facts",
    "Form",
    "Values",
    "as_opened",
    "asks_for",
    "bare",
    "blank",
    "checked",
    "decided",
    "form_of",
    "in_turn",
    "is_words",
    "may",
    "missing",
    "parsed",
    "parted",
    "plain",
    "readable",
    "refusal",
    "seen_data",
    "shown",
    "visible",
    "without_fields",
    "words",
]
