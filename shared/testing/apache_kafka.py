"""Apache Kafka from Maven Central's jars, for tests: KRaft mode, one node or several, on 127.0.0.1.

Asked for by ``LEDGERDESK_TEST_KAFKA=apache``. Needs `mvn` (the first time, to fetch the jars) and Java 17.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.embedded import ChildSpec, free_port
from shared.embedded.temporary import ServerProcess

VERSION = "4.1.0"
_CLUSTER_ID = "bGVkZ2VyZGVzay10ZXN0cw"  # 16 bytes in base64, as Kafka wants them
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>ledgerdesk.tests</groupId><artifactId>kafka</artifactId><version>1</version>
<packaging>pom</packaging>
<dependencies>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
  <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""


def jars() -> Path:
    """Return the folder of Kafka's jars, fetched once into the user's cache.

    Raises:
        RuntimeError: They could not be fetched; the message holds Maven's own.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ledgerdesk" / f"kafka-{VERSION}"
    folder = cache / "jars"
    if (folder / f"kafka_2.13-{VERSION}.jar").is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as building:
        (Path(building) / "pom.xml").write_text(_POM)
        done = subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars", "-DincludeScope=runtime"],
            cwd=building, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"mvn could not fetch Kafka's jars:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        with contextlib.suppress(OSError):  # another run was first
            (Path(building) / "jars").rename(folder)
    return folder


def available() -> bool:
    """Whether this machine can run it: Java, and either the jars or what fetches them."""
    return shutil.which("java") is not None and shutil.which("mvn") is not None


class ApacheNode:
    """One node, broker and controller in one. It keeps its log and its port over restarts."""

    def __init__(
        self, number: int, directory: Path, port: int, controllers: Sequence[int], advertised: int | None = None
    ) -> None:
        self.number = number
        self.port = port
        self._directory = directory / f"node-{number}"
        self._directory.mkdir()
        self._properties = self._directory / "server.properties"
        voters = ",".join(f"{n}@127.0.0.1:{c}" for n, c in enumerate(controllers, 1))
        copies = min(3, len(controllers))
        self._properties.write_text(
            f"""process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controllers[number - 1]}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised or port}
controller.listener.names=CONTROLLER
log.dirs={self._directory / "log"}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr=1
min.insync.replicas={2 if copies > 1 else 1}
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
controller.quorum.election.timeout.ms=500
"""
        )
        self._java(["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._properties)])
        self.process = ServerProcess(
            ChildSpec(
                name=f"kafka-{number}",
                argv=lambda: self._command(["kafka.Kafka", str(self._properties)]),
                ready=self._listens,
                stop_timeout=20,
            ),
            self._directory,
        )

    def _command(self, arguments: Sequence[str]) -> list[str]:
        options = ["-Xms128m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        return ["java", *options, "-cp", f"{jars()}/*", *arguments]

    def _java(self, arguments: Sequence[str]) -> None:
        done = subprocess.run(self._command(arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=0.5):
            return True
        return False


@contextlib.contextmanager
def apache_kafka(
    nodes: int = 1, advertised: int | None = None, listening: int | None = None
) -> Iterator[list[ApacheNode]]:
    """Run a cluster of its own with an empty log. `node.process` kills and restarts a node.

    Args:
        nodes: How many; with three, every partition may have three copies.
        advertised: Of a single node: the port that clients are told to use, a proxy's.
        listening: Of a single node: its own port.

    Raises:
        RuntimeError: It did not start.
    """
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-kafka-", ignore_cleanup_errors=True) as folder:
        controllers = [free_port() for _ in range(nodes)]
        cluster = [
            ApacheNode(n, Path(folder), listening or free_port(), controllers, advertised) for n in range(1, nodes + 1)
        ]
        try:
            with ThreadPoolExecutor(nodes) as starting:  # none is ready before most of them are there
                list(starting.map(lambda node: node.process.start(90), cluster))
            yield cluster
        finally:
            for node in cluster:
                node.process.kill()
