"""Servers stop, processes are killed and paused, consumers come and go: on one node of Apache Kafka."""

import pytest

from tests.faults.outages import ONE_NODE
from tests.faults.trial import trial


@pytest.mark.parametrize("name", ONE_NODE)
def test_outage(one, name):
    trial(one, name, "outage", ONE_NODE[name])
