"""Settings, from the environment. One place, so that `ledgerdesk up`, compose and Kubernetes run the same code."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.canonical import keyed_digest
from shared.service_names import SERVICES as SERVICES  # noqa: PLC0414 -- part of how a process is set up

LEAST_SECRET = 32
"""Characters of the stack's secret, at least."""


class OidcProvider(BaseModel):
    """A provider that people may sign in with (OpenID Connect).

    Attributes:
        key: Part of addresses: the redirect URI is ``<public URL>/sign-in/with/<key>/callback``.
        name: What the button says.
        issuer: As the provider says it, to the letter; https, but on this machine.
        domains: Addresses of these domains alone are believed; none: all that the provider vouches for.
        create: Who has no account gets a requester's.
        second_factor: The provider asks for one itself: ours is not asked for after it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    issuer: Annotated[str, StringConstraints(pattern=r"^(https://|http://(localhost|127\.0\.0\.1)[:/])")]
    client_id: str
    client_secret: SecretStr = SecretStr("")
    client_secret_file: Path | None = None
    scopes: str = "openid email profile"
    domains: list[str] = []
    create: bool = False
    second_factor: bool = False

    def secret(self) -> str:
        """Return the client's secret; empty for a public client."""
        text = self.client_secret.get_secret_value()
        if not text and self.client_secret_file is not None:
            text = self.client_secret_file.read_text().strip()
        return text


class Settings(BaseSettings):
    """What a process needs to know.

    Attributes:
        database_url: PostgreSQL; its user may act as the services' roles.
        kafka_bootstrap_servers: The brokers.
        secret_key: The stack's secret; tokens, key hashes and address digests derive from it.
        audit_key_file: The key that history is sealed with once a day; no seals if there is none.
        audit_seals_file: Where the copies of the seals go, where they cannot be beside the key.
        port: Where HTTP is served.
        host: Interface; loopback unless told otherwise.
        data: The embedded stack's directory, and where files are kept.
        files: Where attachments are kept; `files` in the data directory unless told otherwise. Intake, workflow and knowledge see the same one.
        attachment_bytes: Of one attachment, at most.
        attachments: With one message, at most.
        locales: Further languages of the pages: a folder with catalogues, as in services/gateway/pages/locale.
        admin_api_key: A key with the administrator's role that exists from the first start.
        demo_password: Password of the accounts in an organisation file that names none.
        public_url: What people type to come here; for links.
        trusted_proxies: Addresses and networks of the front door, which is believed who its client is (``10.0.0.0/8,…``); none
            unless told otherwise.
        oidc_providers: Whom people may sign in with besides us, as JSON.
        second_factor_roles: Roles that take a one-time code at sign-in (``administrator,lead``); without one they are withheld.
        service_urls: Owner -> origin, where services run apart (``intake=http://intake:8080,…``).
        consumer_groups: Share partitions among processes of one service (clusters) instead of reading all.
        kafka_idempotence: Whether the brokers know idempotent producers (the embedded one does not).
        kafka_republish: Whether relays publish again when the topics were made anew (the embedded broker's log is empty after
            every start, and there is nobody else who reads it).
        kafka_replication: Copies of each partition of the topics that the init step creates.
        log_level: debug, info, warning or error.
    """

    model_config = SettingsConfigDict(env_prefix="LEDGERDESK_", extra="ignore", populate_by_name=True)

    database_url: str = Field("", validation_alias=AliasChoices("DATABASE_URL", "LEDGERDESK_DATABASE_URL"))
    kafka_bootstrap_servers: str = Field(
        "", validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "LEDGERDESK_KAFKA_BOOTSTRAP_SERVERS")
    )
    secret_key: SecretStr = SecretStr("")
    secret_key_file: Path | None = None
    audit_key_file: Path | None = None
    audit_seals_file: Path | None = None
    port: int = 8080
    host: str = "127.0.0.1"
    data: Path = Path(".ledgerdesk")
    files: Path | None = None
    attachment_bytes: int = Field(10 * 1024 * 1024, ge=1)
    attachments: int = Field(10, ge=0, le=100)
    locales: Path | None = None
    admin_api_key: SecretStr = SecretStr("")
    demo_password: SecretStr = SecretStr("")
    public_url: str = ""
    trusted_proxies: str = ""
    oidc_providers: list[OidcProvider] = []
    second_factor_roles: str = ""
    service_urls: str = ""
    consumer_groups: bool = False
    consumer_instance: str = ""
    kafka_idempotence: bool = True
    kafka_republish: bool = True
    kafka_replication: int = 1
    log_level: str = "info"

    def secret(self) -> bytes:
        """Return the stack's secret.

        Raises:
            ValueError: There is none; says how to make one.
        """
        text = self.secret_key.get_secret_value()
        if not text and self.secret_key_file is not None:
            text = self.secret_key_file.read_text().strip()
        if len(text) < LEAST_SECRET:
            raise ValueError(
                "LEDGERDESK_SECRET_KEY (or LEDGERDESK_SECRET_KEY_FILE) must hold at least 32 characters: "
                "make one with `openssl rand -hex 32`"
            )
        return text.encode()

    @property
    def files_at(self) -> Path:
        """Where attachments are kept."""
        return self.files or self.data / "files"

    @property
    def withheld_roles(self) -> frozenset[str]:
        """What a session that began without a second factor does not have."""
        return frozenset(role.strip() for role in self.second_factor_roles.split(",") if role.strip())

    @property
    def is_https(self) -> bool:
        """Whether people come by https."""
        return self.public_url.startswith("https://")

    def derived_key(self, purpose: str) -> bytes:
        """Return a key for one purpose, so that no two uses share one."""
        return bytes.fromhex(keyed_digest(self.secret(), f"ledgerdesk|{purpose}"))

    def url_of(self, service: str) -> str:
        """Return the origin of the process that serves a service."""
        for pair in filter(None, self.service_urls.split(",")):
            name, _, url = pair.partition("=")
            if name.strip() == service:
                return url.strip().rstrip("/")
        return f"http://127.0.0.1:{self.port}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the process's settings, read once."""
    return Settings()
