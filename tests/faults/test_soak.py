"""Random work and random faults for a while, from one seed that is printed first; then the oracle.

`make soak MINUTES=10 [SEED=7]`. The same seed gives the same commands and the same faults in the same order; what the machine makes
of them in between is its own.
"""

import os
import random
import sys
import time

import pytest

from shared.failpoints import POINTS
from tests.faults.apart import apart
from tests.faults.outages import ONE_NODE
from tests.faults.test_failpoints import die_at
from tests.faults.trial import Trial

MINUTES = float(os.environ.get("LEDGERDESK_SOAK_MINUTES") or 1)
SEED = int(os.environ.get("LEDGERDESK_SOAK_SEED") or random.randrange(1, 10**6))  # noqa: S311 -- printed, to be repeated


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@pytest.mark.timeout(MINUTES * 60 + 600)
def test_soak():
    _say(f"\nsoak: {MINUTES:g} minutes, SEED={SEED}")
    dice = random.Random(SEED)  # noqa: S311 -- repeatable on purpose
    faults = {**{point: die_at(point) for point in POINTS}, **ONE_NODE}
    done: list[str] = []

    def break_things(at: Trial) -> None:
        deadline = time.monotonic() + MINUTES * 60
        while time.monotonic() < deadline:
            name = dice.choice(sorted(faults))
            work, passes = dice.randrange(5, 60), dice.randrange(10)
            _say(f"{len(at.load.acknowledged):6} acknowledged; {name}")
            done.append(name)
            fault = faults[name] if name in ONE_NODE else die_at(name, passes)
            fault(at)
            at.work(work, timeout=180)

    with apart() as desk:
        trial = Trial(desk, f"soak of {MINUTES:g} minutes", "soak", seed=SEED)
        verdict = trial.run(break_things)
    _say(
        f"{len(done)} faults, {len(trial.load.acknowledged)} commands acknowledged: {verdict.wrong or 'nothing wrong'}"
    )
    assert verdict.wrong == [], f"SEED={SEED}: {verdict.wrong[:10]}"
    assert verdict.found == len(trial.load.acknowledged) > 0
    assert (verdict.doubled, verdict.skipped) == (0, 0)
