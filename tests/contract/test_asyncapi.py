"""The committed AsyncAPI document is what the catalogue says; `make contracts` writes it anew."""

import json
from pathlib import Path

from ledgerdesk.asyncapi import document
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.topic_names import DIRECTORY, INGRESS, TICKETS

COMMITTED = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def test_the_committed_document_is_the_current_one():
    assert json.loads(COMMITTED.read_text()) == document()


def test_every_published_event_type_is_described_and_identity_is_not():
    text = COMMITTED.read_text()
    channels = set(json.loads(text)["channels"])
    assert {TICKETS, DIRECTORY} < channels
    assert any(channel.startswith(INGRESS) for channel in channels)
    for spec in CATALOGUE.values():
        assert (spec.type + "," in text) == (spec.topic in {TICKETS, DIRECTORY}), spec.type
