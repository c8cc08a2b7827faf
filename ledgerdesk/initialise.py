"""The one init step: roles, schemas, migrations (forward only), topics. Imports no service: it runs at every start."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from ledgerdesk.audit import schema
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.settings import SERVICES, Settings
from shared.topics import prepare_log

ROOT = Path(__file__).parents[1]
log = structlog.get_logger("init")


def migration_folders(service: str) -> list[Path]:
    """Return a service's migrations: those every owner of events has, those every service has, and its own."""
    shared = ROOT / "shared"
    return [
        *([shared / "eventstore" / "migrations"] if service in OWNERS else []),
        shared / "projection" / "migrations",
        shared / "directory" / "migrations",
        ROOT / "services" / service / "migrations",
    ]


async def migrate_all(dsn: str, services: Sequence[str] = SERVICES) -> None:
    """Create roles and schemas and apply migrations, and the roles that may only read."""
    await db.wait_until_up(dsn)
    await db.create_schemas(dsn, services)
    await asyncio.gather(*(_migrate(dsn, service) for service in services))
    await db.grant_reading(dsn, services)
    await schema.prepare(dsn)
    if "reporting" in services:
        from services.reporting.analytics import install_analytics

        await install_analytics(dsn)


async def _migrate(dsn: str, service: str) -> None:
    connection = await db.connect(dsn, service)
    try:
        applied = await db.migrate(connection, migration_folders(service))
    finally:
        await connection.close()
    if applied:
        await log.ainfo("migrated", service=service, files=applied)


async def initialise(settings: Settings, *, only_log: bool = False) -> None:
    """Prepare the database and the topics; or the topics alone, for a broker that has forgotten them."""
    log_prepared = prepare_log(
        settings.database_url,
        settings.kafka_bootstrap_servers,
        settings.kafka_replication,
    )
    if only_log:
        await log_prepared
    else:
        await asyncio.gather(migrate_all(settings.database_url), log_prepared)
        await _make_audit_key(settings)


async def _make_audit_key(settings: Settings) -> None:
    """Make the key that seals are signed with, where one is named and none was ever made."""
    if settings.audit_key_file is None or settings.audit_key_file.exists():
        return
    from ledgerdesk.audit.keys import AuditFiles, KeyFileError

    try:
        AuditFiles.beside(settings.audit_key_file, settings.audit_seals_file).make_key()
    except (KeyFileError, OSError) as error:
        await log.aerror("no audit key", error=str(error))  # no reason to stop the desk; the daily seal says it, too
