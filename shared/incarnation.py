"""Which log there is: its name changes when the topics are made anew, and offsets of the old one mean nothing then."""

from aiokafka.errors import KafkaError

from shared.db import Pool
from shared.kafka import AIOKafkaAdminClient
from shared.topics import marker_of


class LogNotReadyError(Exception):
    """The cluster is up, but the init step has not made its topics yet."""


class IncarnationWatch:
    """Asks which log there is: the cluster's id and the init step's marker. Clients do not notice a change by themselves."""

    def __init__(self, bootstrap_servers: str, pool: Pool) -> None:
        self._servers = bootstrap_servers
        self._pool = pool
        self._admin: AIOKafkaAdminClient | None = None

    async def current(self) -> str:
        """Return the name of the log's incarnation.

        Raises:
            KafkaError: The cluster cannot be reached.
            LogNotReadyError: Its topics are not there yet.
        """
        try:
            if self._admin is None:
                admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, request_timeout_ms=5000)
                try:
                    await admin.start()
                except BaseException:
                    await admin.close()
                    raise
                self._admin = admin
            cluster_id = str((await self._admin.describe_cluster())["cluster_id"])
        except (KafkaError, OSError):
            await self.close()
            raise
        marker = await marker_of(self._pool, cluster_id)
        if marker is None:
            raise LogNotReadyError(f"cluster {cluster_id} has no log yet: the init step (`ledgerdesk init`) makes it")
        return f"{cluster_id}/{marker}"

    async def close(self) -> None:
        """Close the connection."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()
