"""What a mapping file may say. ``docs/importing.md`` describes every key with its meaning and examples."""

import difflib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from shared.contracts.fields import Priority, Severity

State = Literal["new", "open", "on_hold", "resolved", "closed", "started", "ignore"]
Act = Literal[
    "created", "assigned", "unassigned", "transferred", "new", "open", "started", "resumed", "reopened", "on_hold", "held",
    "resolved", "closed", "replied", "message_received", "escalated", "acknowledged", "noted", "ignore",
]  # fmt: skip
Tracked = Literal["assignee", "group", "priority", "severity"]


class MappingError(ValueError):
    """A mapping that cannot be used. `problems` are sentences, each beginning with the key it is about."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def _several(value: Any) -> Any:
    """Let one word stand for a list of one."""
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_several), Field(min_length=1)]
"""A text or a list of texts."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFormat(_Part):
    """How the file is written. An empty cell is missing whatever `missing` says."""

    delimiter: str = ","
    encoding: str = "utf-8-sig"
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    missing: Annotated[tuple[str, ...], BeforeValidator(_several)] = ("?",)
    trim: bool = False

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ",", "pipe": "|"}.get(value, value)
        if len(value) != 1:
            raise ValueError("must be one character, or tab, semicolon, comma, pipe")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding: try utf-8, cp1252 or utf-16") from None
        # A byte order mark is no part of the first column's name.
        return "utf-8-sig" if value.lower().replace("_", "-") in {"utf-8", "utf8"} else value


class Time(_Part):
    """How times are written, and in which zone those are that name none."""

    format: Words = ("iso",)
    zone: str = "UTC"

    @field_validator("format")
    @classmethod
    def _usable_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if text in {"iso", "epoch", "epoch_ms"}:
                continue
            if "%" not in text:
                raise ValueError(f'{text!r} is no format: write iso, epoch, epoch_ms or one such as "%d/%m/%Y %H:%M"')
            try:
                datetime.strptime("", text)  # noqa: DTZ007 -- only the format is tried
            except ValueError as error:
                if "directive" in str(error) or "stray" in str(error):
                    raise ValueError(f"{text!r}: {error}") from None
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone: use an IANA name such as Europe/Rome") from None
        return value


class Order(_Part):
    """In which order the rows of a case happened."""

    by: Literal["file", "file_reversed", "time", "column"] = "file"
    column: str | None = None


def _order(value: Any) -> Any:
    if isinstance(value, str):
        return {"by": value}
    if isinstance(value, dict) and set(value) == {"column"}:
        return {"by": "column", **value}
    raise ValueError("must be file, file_reversed, time, or {column: NAME} for a column of numbers")


class Columns(_Part):
    """Our fields and where the log has them: a column's name, several to be joined by a space, or a template."""

    case: Words
    time: Words
    status: Words | None = None
    activity: Words | None = None
    actor: Words | None = None
    assignee: Words | None = None
    group: Words | None = None
    priority: Words | None = None
    severity: Words | None = None
    requester: Words | None = None
    requester_email: Words | None = None
    number: Words = ("{case}",)
    subject: Words = ("{case}",)
    body: Words | None = None
    topic: Words | None = None
    channel: Words | None = None
    external_id: Words = ("{case}",)
    comment: Words | None = None
    resolution: Words | None = None


class Mapping(_Part):
    """A mapping file."""

    log: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    style: Literal["status", "activity"]
    file: FileFormat = FileFormat()
    order: Annotated[Order, BeforeValidator(_order)] = Order()
    time: Time = Time()
    columns: Columns
    states: dict[str, State] = {}
    activities: dict[str, Annotated[tuple[Act, ...], BeforeValidator(_several)]] = {}
    unknown: Literal["error", "note"] | None = None
    priorities: dict[str, Priority | Literal["ignore"]] = {}
    severities: dict[str, Severity | Literal["ignore"]] = {}
    tracked: tuple[Tracked, ...] | None = None
    blanks: Literal["clear", "keep"] = "clear"

    @property
    def tracks(self) -> frozenset[str]:
        """The fields whose changes are facts: those named by `tracked`, else all that have a column."""
        if self.tracked is not None:
            return frozenset(self.tracked)
        return frozenset(field for field in get_args(Tracked) if getattr(self.columns, field) is not None)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [*self._style_problems(), *self._column_problems()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _style_problems(self) -> Iterable[str]:
        columns = self.columns
        if self.style == "status":
            if columns.status is None:
                yield "columns.status: style status needs the column that holds the state; add it, or use style: activity"
            if not self.states:
                yield "states: style status needs them; say for each value of the status column what it means, e.g. New: new"
            if self.activities:
                yield "activities: belongs to style: activity; with style: status use states"
        else:
            if columns.activity is None:
                yield "columns.activity: style activity needs the column that says what was done"
            if not self.activities:
                yield "activities: style activity needs them; say what each activity is, e.g. Resolve ticket: resolved"
            if self.states:
                yield "states: belongs to style: status; with style: activity use activities"

    def _column_problems(self) -> Iterable[str]:
        columns = self.columns
        for field in self.tracked or ():
            if getattr(columns, field) is None:
                yield f"tracked: {field} has no column; add columns.{field} or take it out of tracked"
        for field in ("priority", "severity"):
            key = {"priority": "priorities", "severity": "severities"}[field]
            if getattr(self, key) and getattr(columns, field) is None:
                yield f"{key}: there is no columns.{field} to take values from; add it or leave {key} out"
        if self.order.by == "column" and not self.order.column:
            yield "order: name the column, e.g. {column: sys_mod_count}"
        used = {act for acts in self.activities.values() for act in acts}
        if "assigned" in used and columns.assignee is None and columns.actor is None:
            yield "activities: assigned needs somebody to assign to; add columns.assignee or columns.actor"
        if "transferred" in used and columns.group is None:
            yield "activities: transferred needs a department; add columns.group"
        for act in sorted(used & {"replied", "message_received"}):
            if columns.comment is None:
                yield f"activities: {act} needs the words; add columns.comment, or make it noted"


class _Texts(yaml.SafeLoader):
    """Reads every plain value as the text it is: ``-100``, ``No`` and ``2016-01-01`` are states, not numbers or dates."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                line = node.value[index][0].start_mark.line + 1
                raise MappingError([f"{key}: stands twice in one place (line {line}); keep one"])
        return super().construct_mapping(node, deep=deep)


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingError: It cannot be read, is no YAML, or says something that makes no sense: each problem with its key
            and the remedy.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError([f"{path}: cannot be read: {error}"]) from error
    return parse_mapping(text)


def parse_mapping(text: str) -> Mapping:
    """Read a mapping from its text. Raises as `load_mapping` does."""
    try:
        raw = yaml.load(text, _Texts)  # noqa: S506 -- a SafeLoader
    except yaml.YAMLError as error:
        raise MappingError([f"the mapping is no YAML: {error}"]) from error
    if not isinstance(raw, dict):
        raise MappingError(["the mapping must be keys and values: log, style, columns, …"])
    # A key without a value says nothing, as if it were not there.
    raw = {key: value for key, value in raw.items() if value is not None}
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        found = [said for item in error.errors(include_url=False) for said in _said(item)]
        raise MappingError(list(dict.fromkeys(found))) from error


_PARTS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Mapping, ("columns",): Columns, ("file",): FileFormat, ("time",): Time, ("order",): Order,
}  # fmt: skip


def _said(item: Any) -> list[str]:
    """Turn one of pydantic's errors into sentences that name the key and the remedy."""
    place = tuple(str(part) for part in item["loc"])
    key = ".".join(place) or "the mapping"
    match item["type"]:
        case "extra_forbidden":
            known = list(_PARTS.get(place[:-1], Mapping).model_fields)
            near = difflib.get_close_matches(place[-1], known, 1)
            return [f"{key}: no such key; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}")]
        case "missing":
            return [f"{key}: is missing; add it"]
        case "literal_error":
            where = place[:2] if place[0] in {"states", "activities", "priorities", "severities"} else place
            return [f"{'.'.join(where)}: {item['input']!r} is not among {item['ctx']['expected']}; use one of these"]
        case "string_pattern_mismatch":
            return [f"{key}: {item['input']!r} must be letters, digits, dot, dash and underscore, at most 100"]
        case "value_error":
            lines = str(item["ctx"]["error"]).split("\n")
            return lines if not place else [f"{key}: {line}" for line in lines]
        case _:
            return [f"{key}: {item['msg'][0].lower()}{item['msg'][1:]} (it is {item['input']!r})"]
