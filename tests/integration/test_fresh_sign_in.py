"""Who has no password proves who he is by having signed in a moment ago."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.gateway import domain
from services.gateway.domain import credentials
from services.gateway.domain.credentials import Credentials
from services.gateway.passwords import Passwords
from services.gateway.second_factor import SecondFactor
from services.gateway.signing_in import FRESH, SignIns
from services.gateway.throttle import Throttle
from shared.contracts.event import Actor, Via
from shared.contracts.ids import random_id
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.http.problems import Problem
from shared.settings import Settings
from shared.tokens import Tokens
from tests.integration import ruled
from tests.integration.ruled import KEN


@pytest.fixture
async def desk(postgres_dsn):
    async with ruled.opened(postgres_dsn) as desk:
        yield desk


def sign_ins(desk: ruled.Desk) -> SignIns:
    settings, pool, store = Settings(secret_key="0" * 32), desk.pools["gateway"], desk.stores["gateway"]
    appender = desk.appenders["gateway"]
    return SignIns(
        settings, pool, Directory(pool), Tokens(settings), Ledger(store, appender, domain.Account, domain.evolve_account),
        Ledger(store, appender, Credentials, credentials.evolve),
        Ledger(store, appender, domain.Session, domain.evolve_session, lambda: desk.now), Passwords(), SecondFactor(settings),
        Throttle(pool, b"0" * 32),
    )  # fmt: skip


async def session(desk: ruled.Desk, ins: SignIns, ago: timedelta) -> Via:
    desk.now = datetime.now(UTC) - ago
    via = Via("session", str(uuid4()))
    await ins.sessions.execute(
        UUID(via.id), lambda _: domain.start_session(KEN, desk.now, door="oidc:corp", generation=0),
        Context(random_id(), Actor("person", KEN), via, fresh=True),
    )  # fmt: skip
    return via


async def test_a_session_without_a_password_is_good_for_changes_while_it_is_fresh(desk):
    ins = sign_ins(desk)
    fresh = await session(desk, ins, timedelta(minutes=1))
    await ins.check_own_password(UUID(KEN), None, fresh)
    old = await session(desk, ins, FRESH + timedelta(minutes=1))
    nobodys = Via("session", str(uuid4()))
    for via in (old, nobodys, Via("key", str(uuid4()))):
        with pytest.raises(Problem, match="sign in again") as caught:
            await ins.check_own_password(UUID(KEN), None, via)
        assert caught.value.status == 403
