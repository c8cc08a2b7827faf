"""Events as they were once written decode for ever. The files are never edited; a new version gets a new file.

For a new type or version, add ``golden/<type>.v<version>.json``: one line of an owner's feed, with every field filled in.
"""

import json
from pathlib import Path

import pytest

from ledgerdesk.host import module_of
from shared.contracts.catalogue import CATALOGUE, EVERY, check
from shared.contracts.event import NewEvent, from_feed_line, from_record, to_feed_line, to_record
from shared.contracts.upcast import upcast
from shared.directory import views as directory
from shared.projection.model import concerns
from shared.settings import SERVICES

FILES = sorted((Path(__file__).parent / "golden").glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def sample(request):
    return request.param.stem, from_feed_line(request.param.read_bytes())


def test_there_is_a_sample_of_every_version_of_every_type():
    wanted = {f"{spec.type}.v{n}" for spec in CATALOGUE.values() for n in range(1, spec.schema_version + 1)}
    assert {path.stem for path in FILES} == wanted


def test_it_is_what_its_name_says(sample):
    name, event = sample
    assert name == f"{event.type}.v{event.schema_version}"
    assert CATALOGUE[event.type].owner in {event.source, EVERY}


def test_its_feed_line_says_the_same(sample):
    name, event = sample
    path = next(path for path in FILES if path.stem == name)
    assert json.loads(to_feed_line(event)) == json.loads(path.read_text())


def test_its_record_says_the_same(sample):
    _, event = sample
    _, value, headers = to_record(event)
    assert from_record(value, headers) == event


def test_it_reads_as_the_current_version(sample):
    _, event = sample
    current = upcast(event)
    assert current.schema_version == CATALOGUE[event.type].schema_version
    check(NewEvent(current.type, current.data, current.personal), current.source)


def test_every_view_takes_it(sample):
    _, event = sample
    current = upcast(event)
    models = [*directory.models(), *(view for service in SERVICES for view in module_of(service).VIEWS)]
    for model in models:
        if concerns(model, current.type, current.source):
            state = model.evolve(model.initial(current.stream_id), current)
            assert state.versions == {current.source: current.version}
