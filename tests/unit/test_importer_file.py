"""What a log file may look like, and what becomes of what is wrong with it or with its mapping."""

import gzip

import pytest

from ledgerdesk.importer.derive import derive
from ledgerdesk.importer.facts import fact_id
from ledgerdesk.importer.mapping import MappingError, load_mapping, parse_mapping
from ledgerdesk.importer.source import LogError
from tests.unit.importer_logs import ACTIVITY, ACTS, HEADER, ROOT, STATUS, facts_of, kinds, lines, reading_in, times


@pytest.fixture
def read(tmp_path):
    return reading_in(tmp_path)


def test_semicolons_a_byte_order_mark_two_time_columns_and_gzip(read):
    mapping = """
log: bpi
style: status
file: {delimiter: ";"}
time: {format: "%d-%m-%Y %H:%M:%S", zone: Europe/Brussels}
columns: {case: SR Number, time: [Change Date, Change Time], status: "{Status}/{Sub Status}", actor: [First, Last],
          group: Involved ST}
states: {Accepted/Wait*: on_hold, Accepted/*: open, Completed/Closed: closed, Completed/*: resolved, Queued/*: open}
"""
    text = (
        "\ufeffSR Number;Change Date;Change Time;Status;Sub Status;Involved ST;First;Last\r\n"
        "1-364285768;31-03-2010;15:59:42;Accepted;In Progress;V30;Frederic;B\r\n"
        "1-364285768;31-03-2010;16:00:56;Accepted;Wait - User;V30;Frederic;B\r\n"
        '1-364285768;31-03-2010;16:45:48;Queued;Awaiting Assignment;"V5; 3rd";Frederic;\r\n'
        "1-364285768;06-04-2010;15:44:07;Completed;Resolved;V5 3rd;Anne Claire;\r\n"
    )
    log, parsed = read(gzip.compress(text.encode()), mapping, "log.bin")
    assert kinds(log, parsed) == ["created|started", "held", "transferred|resumed", "transferred|resolved"]
    assert times(log)[0] == "2010-03-31T13:59:42"
    assert [row.actor for row in log.rows] == ["Frederic B", "Frederic B", "Frederic", "Anne Claire"]
    assert log.rows[0].activity == "Accepted/In Progress"


def test_another_encoding(read):
    log, _ = read(
        lines("A,1/2/2016 10:00,New,Jürgen,?,?,3,cal").encode("cp1252"), STATUS + "file: {encoding: cp1252}\n"
    )
    assert log.rows[0].actor == "Jürgen"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("27/3/2016 01:30", "2016-03-27T00:30:00"),  # winter
        ("27/3/2016 02:30", "2016-03-27T01:30:00"),  # skipped: as if the clocks had not been put forward
        ("27/3/2016 03:30", "2016-03-27T01:30:00"),  # summer
        ("30/10/2016 02:30", "2016-10-30T00:30:00"),  # twice: the first
        ("30/10/2016 03:30", "2016-10-30T02:30:00"),
    ],
)
def test_wall_clocks_of_a_zone(read, text, at):
    mapping = STATUS.replace("time: {", "time: {zone: Europe/Berlin, ")
    assert times(read(lines(f"A,{text},New,a,?,?,3,cal"), mapping)[0]) == [at]


@pytest.mark.parametrize(
    ("form", "text", "at"),
    [
        ("iso", "2016-02-01T10:00:00+02:00", "2016-02-01T08:00:00"),
        ("iso", "2016-02-01", "2016-02-01T00:00:00"),
        ('["%Y/%m/%d %H:%M:%S.%f", iso]', "2012/10/09 14:50:17.250", "2012-10-09T14:50:17"),
        ("epoch", "1456740000", "2016-02-29T10:00:00"),
        ("epoch_ms", "1456740000000", "2016-02-29T10:00:00"),
        ('"%d.%m.%y %H:%M %z"', "29.02.16 11:00 +0100", "2016-02-29T10:00:00"),
    ],
)
def test_forms_of_time(read, form, text, at):
    mapping = STATUS.replace('"%d/%m/%Y %H:%M"', form)
    assert times(read(lines(f"A,{text},New,a,?,?,3,cal"), mapping)[0]) == [at]


def test_order_by_time_keeps_ties_and_gives_places_that_the_case_has(read):
    text = lines(
        "A,1/2/2016 10:05,Resolved,a,?,?,3,cal", "B,1/2/2016 09:00,New,a,?,?,3,cal", "A,1/2/2016 10:00,New,a,?,?,3,cal",
        "A,1/2/2016 10:00,Active,a,?,?,3,cal",
    )  # fmt: skip
    log, mapping = read(text, STATUS + "order: time\n")
    assert [(r.case, r.activity, r.number, r.line) for r in log.rows] == [
        ("A", "New", 1, 4), ("B", "New", 2, 3), ("A", "Active", 3, 5), ("A", "Resolved", 4, 2),
    ]  # fmt: skip
    assert kinds(log, mapping) == ["created", "created", "started", "resolved"]


def test_order_by_a_column_of_numbers(read):
    text = lines(
        "A,1/2/2016 10:00,Resolved,10,?,?,3,cal",
        "A,1/2/2016 10:00,New,9,?,?,3,cal",
        "A,1/2/2016 10:00,Active,x,?,?,3,cal",
    )
    log, mapping = read(text, STATUS + "order: {column: who}\n")
    assert kinds(log, mapping) == ["created", "resolved"]
    assert log.bad == [(4, "order.column: 'x' is no number")]


def test_newest_first_grows_at_its_head(read):
    rows = [
        "A,1/2/2016 10:00,New,a,?,?,3,cal",
        "A,1/2/2016 10:00,Active,a,?,?,3,cal",
        "A,1/2/2016 10:00,Closed,a,?,?,3,cal",
    ]
    short, mapping = read(lines(*rows[1::-1]), STATUS + "order: file_reversed\n")
    longer, _ = read(lines(*rows[::-1]), STATUS + "order: file_reversed\n")
    assert kinds(longer, mapping) == ["created", "started", "closed"]
    assert [s.fact for s in derive(short.rows, mapping)] == [s.fact for s in derive(longer.rows, mapping)][:2]


# -- what is wrong ----------------------------------------------------------------------------------------------------


def test_bad_rows_are_named_with_their_line_and_the_others_go_in(read):
    good = "A,1/2/2016 10:00,New,a,?,?,3,cal"
    text = (
        lines(good, "B,32/1/2016 10:00,New,a,?,?,3,cal", "?,1/2/2016 10:00,New,a,?,?,3,cal", "B,too,few").encode()
        + b"B,1/2/2016 10:00,New,a\x00b,?,?,3,cal\nB,1/2/2016 10:00,New,\xff,?,?,3,cal\n\n"
        + b'B,1/2/2016 10:00,New,"two\nlines",?,?,3,cal\nB,1/2/2016 10:00,Odd,a,?,?,3,cal\n'
        + b"B,1/2/2016 10:00,New,a,?,?,9,cal\nB,?,New,a,?,?,3,cal\nB,1/2/2016 10:00,New,a,?,?,3,cal,more\n"
        + b"B,1/2/2016 10:00,New,a,?,"
        + b"g" * 201
        + b",3,cal\nB,1/2/2016 10:00,Active,a,?,?,3,cal,\n"
    )
    log, mapping = read(text, STATUS)
    assert log.bad == [
        (3, "time.format: '32/1/2016 10:00' is not in the form %d/%m/%Y %H:%M"),
        (4, "columns.case: there is no case, or one over 200 characters"),
        (5, "it has 3 columns, the header has 8"),
        (6, "it contains the NUL character"),
        (7, "it is not valid UTF-8"),
        (11, "states: 'Odd' is not among them; add it there, or say unknown: note"),
        (12, "priorities: '9' is not among them; add it there (it may be ignore)"),
        (13, "columns.time: there is no time"),
        (14, "it has 9 columns, the header has 8"),
        (15, "columns.group: it is longer than 200 characters"),
    ]
    assert log.read == 13
    assert [row.line for row in log.rows if row.usable] == [2, 9, 16]
    facts = facts_of(log, mapping)
    assert [s.fact["data"]["origin"]["row"] for s in facts] == [1, 7, 13, 13][: len(facts)]
    # A bad row keeps its place in its case, so that the ids of the others stay when it is put right.
    assert facts[1].fact["id"] == fact_id("small", "B", 2, 0)


@pytest.mark.parametrize("broken", ['A,1/2/2016 10:00,New,"a,?,?,3,cal', 'A,1/2/2016 10:00,New,a,?,?,3,"cal'])
@pytest.mark.parametrize("after", [1, 5000])
def test_an_open_quote_costs_one_row(read, broken, after):
    rest = [f"B,1/2/2016 10:00,New,a{'b' * 30},?,?,3,cal"] * after
    log, _ = read(lines(broken, *rest), STATUS)
    assert [bad.line for bad in log.bad] == [2]
    assert len(log.rows) == after
    assert log.rows[-1].line == after + 2


def test_unknown_states_can_be_notes_and_unknown_activities_errors(read):
    text = lines("A,1/2/2016 10:00,New,a,?,?,3,cal", "A,1/2/2016 10:00,Odd,a,?,?,3,cal")
    assert kinds(*read(text, STATUS + "unknown: note\n")) == ["created", "noted"]
    log, _ = read(ACTS + "1,Odd,ann,2012-10-09\n", ACTIVITY + "unknown: error\n")
    assert log.bad == [(2, "activities: 'Odd' is not among them; add it there, or say unknown: note")]


@pytest.mark.parametrize(
    "text", [b"", b"\n\n", gzip.compress(lines("A,1/2/2016 10:00,New,a,?,?,3,cal" * 99).encode(), mtime=0)[:-20]]
)
def test_a_log_that_cannot_be_read(read, text):
    with pytest.raises(LogError):
        read(text, STATUS)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("style: status", "stile: status", "stile: no such key; did you mean style?"),
        ("style: status", "", "style: is missing; add it"),
        ("status: state", "state: state", "columns.state: no such key; did you mean status?"),
        ("Closed: closed", "Closed: done", "states.Closed: 'done' is not among"),
        ("Closed: closed", "Closed: closed, Closed: open", "Closed: stands twice in one place (line 7)"),
        ("log: small", "log: a b", "log: 'a b' must be letters, digits"),
        ("1: emergency", "1: urgent", "priorities.1: 'urgent' is not among"),
        ("priority: prio", "topic: prio", "priorities: there is no columns.priority"),
        ('"%d/%m/%Y %H:%M"', "yesterday", "time.format: 'yesterday' is no format"),
        ('"%d/%m/%Y %H:%M"', '"%Q"', "time.format: '%Q': 'Q' is a bad directive"),
        ("time: {", "time: {zone: Mars/Base, ", "time.zone: 'Mars/Base' is no time zone"),
        ("time: {", "order: sideways\ntime: {", "order.by: 'sideways' is not among"),
        ("time: {", "order: [a]\ntime: {", "order: must be file, file_reversed, time"),
        ("time: {", "tracked: [severity]\ntime: {", "tracked: severity has no column"),
        ("time: {", "file: {delimiter: both}\ntime: {", "file.delimiter: must be one character"),
        ("time: {", "file: {encoding: utf-9}\ntime: {", "file.encoding: 'utf-9' is no encoding"),
        ("time: {", "activities: {a: closed}\ntime: {", "activities: belongs to style: activity"),
        ("log: small", "log: [", "the mapping is no YAML"),
        ("number,", "nummer,", "columns.case: the log has no column 'nummer'; did you mean 'number'?"),
        ("case: number", 'case: "{numb}"', "columns.case: the log has no column 'numb'; did you mean 'number'?"),
        ("case: number", 'case: "{number"', "columns.case: '{number' is no template"),
        ("case: number", 'case: "{number!r}"', "columns.case: '{number!r}': only a column's name may stand in braces"),
    ],
)
def test_a_mapping_that_makes_no_sense_says_where_and_what_to_do(read, old, new, said):
    mapping = STATUS.replace("case: number,", "case: nummer,") if old == "number," else STATUS.replace(old, new)
    assert mapping != STATUS
    with pytest.raises(MappingError) as caught:
        read(lines("A,1/2/2016 10:00,New,a,?,?,3,cal"), mapping)
    assert said in str(caught.value)


def test_a_wrong_delimiter_is_suspected(read):
    with pytest.raises(MappingError, match=r"is file\.delimiter right\?"):
        read(HEADER.replace(",", ";"), STATUS)


def test_texts_of_a_mapping_stay_texts():
    mapping = parse_mapping(STATUS.replace("-100: ignore", "-100: ignore, No: open, 2016-01-01: open"))
    assert {"-100", "No", "2016-01-01"} <= set(mapping.states)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_examples_can_be_used(path):
    if "style:" in path.read_text():  # the others are no mappings
        assert load_mapping(path).log


def test_mappings_in_the_documentation_can_be_used():
    blocks = (ROOT / "docs" / "importing.md").read_text().split("```yaml\n")[1:]
    whole = [text for block in blocks if "style:" in (text := block.split("```")[0]) and "columns:" in text]
    assert len(whole) >= 2
    for text in whole:
        parse_mapping(text)
