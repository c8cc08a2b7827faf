"""An event survives its way over Kafka and through a feed; what is no event is refused with the part that is wrong."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.contracts.event import (
    WATERMARK,
    Event,
    WireError,
    from_feed_line,
    from_record,
    rfc3339,
    source_of,
    to_feed_line,
    to_record,
    watermark_record,
)
from shared.projection.records import Unreadable, Watermark, decode
from shared.testing.events import created, event_of_fact

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
OBJECTS = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, max_size=4)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis wants naive bounds
REFERENCE = st.fixed_dictionaries({"kind": st.sampled_from(["person", "rule", "system"]), "id": TEXT})
EVENTS = st.builds(
    Event,
    event_id=st.uuids(), type=st.from_regex(r"ledgerdesk\.[a-z_]{1,10}\.[a-z_]{1,10}", fullmatch=True),
    schema_version=st.integers(1, 99), source=st.sampled_from(["intake", "routing", "workflow", "gateway"]),
    stream_id=st.uuids(), version=st.integers(1, 2**31 - 1), position=st.integers(1, 2**62), data=OBJECTS,
    personal=st.none() | OBJECTS, actor=REFERENCE, via=REFERENCE, cause=st.none() | st.uuids(), correlation=st.uuids(),
    occurred_at=MOMENTS, recorded_at=MOMENTS,
    traceparent=st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
)  # fmt: skip


@given(EVENTS)
def test_a_record_carries_the_whole_event(event):
    key, value, headers = to_record(event)
    assert key == str(event.stream_id).encode()
    assert from_record(value, headers) == event


@given(EVENTS)
def test_a_feed_line_carries_the_whole_event(event):
    line = to_feed_line(event)
    assert line.count(b"\n") == 1
    assert from_feed_line(line) == event


@given(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), ZoneInfo("Europe/Berlin")])),
    st.booleans(),
)
def test_a_moment_has_one_form(moment, whole):
    try:
        there = (moment.replace(microsecond=0) if whole else moment).astimezone(UTC)
    except OverflowError:
        assume(False)
    assert rfc3339(moment.replace(microsecond=0) if whole else moment) == there.strftime("%FT%T.%fZ").rjust(27, "0")


@given(EVENTS)
def test_a_record_is_a_cloud_event(event):
    headers = dict(to_record(event)[2])
    for required in ("ce_specversion", "ce_id", "ce_source", "ce_type"):
        assert headers[required]
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"application/json"
    assert datetime.fromisoformat(headers["ce_time"].decode()) == event.occurred_at


def test_times_have_one_form():
    there = datetime(2026, 3, 1, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(there) == "2026-03-01T12:00:00.000005Z"


def sample() -> tuple[bytes, list[tuple[str, bytes]]]:
    _, value, headers = to_record(event_of_fact(created(), "intake", UUID(int=1), 1))
    return value, headers


@pytest.mark.parametrize(
    "name",
    ["ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_recordedtime", "ce_sequence", "ce_position",
     "ce_schemaversion", "ce_correlationid"],
)  # fmt: skip
@pytest.mark.parametrize("damage", ["missing", "null", "no UTF-8", "nonsense"])
def test_a_damaged_header_is_named_or_at_least_refused(name, damage):
    value, headers = sample()
    put = {"missing": [], "null": [(name, None)], "no UTF-8": [(name, b"\xff\xfe")], "nonsense": [(name, b"nonsense")]}
    damaged = [pair for pair in headers if pair[0] != name] + put[damage]
    if name == "ce_type" and damage == "nonsense":
        assert from_record(value, damaged).type == "nonsense"  # an unknown type is skipped later, never refused
        return
    with pytest.raises(WireError, match=name if damage == "missing" else "."):
        from_record(value, damaged)


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"\xff", b"[]", b"1", b"null", b'{"actor": {}, "via": {}, "data": {}}', b'"text"']
)
def test_a_damaged_value_is_refused(value):
    with pytest.raises(WireError):
        from_record(value, sample()[1])


def test_a_foreign_source_is_refused():
    for raw in (b"/elsewhere/intake", b"", b"intake"):
        with pytest.raises(WireError, match="ce_source"):
            source_of({"ce_source": raw})
    assert source_of({"ce_source": b"/ledgerdesk/routing"}) == "routing"


class Raw:
    """What aiokafka hands over, as far as `decode` looks."""

    topic, partition, offset, key = "ledgerdesk.tickets", 3, 14, b"k"

    def __init__(self, value, headers):
        self.value, self.headers = value, headers


@given(
    st.none() | st.binary(max_size=30),
    st.lists(
        st.tuples(
            st.sampled_from(["ce_type", "ce_id", "ce_source", "ce_time", "other"]),
            st.none() | st.binary(max_size=12) | st.just(WATERMARK.encode()) | st.just(b"/ledgerdesk/intake"),
        ),
        max_size=6,
    ),
)
def test_decode_never_raises(value, headers):
    record = decode(Raw(value, tuple(headers)))
    assert isinstance(record.content, Unreadable)
    assert (record.topic, record.partition, record.offset) == ("ledgerdesk.tickets", 3, 14)


def test_decode_knows_events_and_watermarks():
    value, headers = sample()
    assert decode(Raw(value, tuple(headers))).content == from_record(value, headers)
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    value, headers = watermark_record("routing", 17, now)
    assert decode(Raw(value, tuple(headers))).content == Watermark("routing", 17, now)
    assert isinstance(decode(Raw(b"{}", tuple(headers))).content, Unreadable)


def test_a_watermark_is_a_cloud_event_of_no_stream():
    value, headers = watermark_record("routing", 17, datetime(2026, 1, 2, tzinfo=UTC))
    assert {"ce_specversion", "ce_id", "ce_source", "ce_type"} <= dict(headers).keys()
    assert "ce_subject" not in dict(headers)
    assert orjson.loads(value) == {"position": 17}
