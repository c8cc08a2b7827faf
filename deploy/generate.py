"""`python -m deploy.generate`: make the front door's map, deploy/nginx/ledgerdesk.conf, from deploy/routes.yaml."""

import argparse
import ipaddress
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROUTES = HERE / "routes.yaml"
CONF = HERE / "nginx" / "ledgerdesk.conf"
PORT = 8080
KEEPALIVE_SECONDS = 4
"""How long an idle connection to a service is kept: less than uvicorn keeps it (5 s), or a request may be sent into a
connection that is just being closed, and a POST that met this is not sent again."""

_PARAMETER = re.compile(r"\{\w+(:path)?\}")


class _Loader(yaml.SafeLoader):
    """YAML in which a path that is there twice is an error: the last would win in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"{ROUTES}: twice: {', '.join(map(str, twice))}")
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Routes:
    """The table. `owners` maps path to method to service."""

    owners: Mapping[str, Mapping[str, str]]
    otherwise: str
    front_door: frozenset[str]

    @classmethod
    def read(cls, path: Path = ROUTES) -> "Routes":
        """Read the file.

        Raises:
            ValueError: A path or a method is there twice.
        """
        raw = yaml.load(path.read_text(), _Loader)  # noqa: S506 -- _Loader is a SafeLoader
        return cls(raw["paths"], raw["otherwise"], frozenset(raw["front_door"]))

    @property
    def services(self) -> list[str]:
        """The services there are, in the order of the table."""
        found = [owner for methods in self.owners.values() for owner in methods.values()]
        return list(dict.fromkeys([*found, self.otherwise]))

    def in_order(self) -> list[str]:
        """Return the paths so that of two that match, the more literal one comes first, as routers have it."""
        return sorted(self.owners, key=lambda path: [(bool(_PARAMETER.fullmatch(s)), s) for s in path.split("/")])


def pattern(path: str) -> str:
    """Return the regular expression (without anchors) of the paths that a route's path stands for."""
    parts: list[str] = []
    end = 0
    for found in _PARAMETER.finditer(path):
        parts += [_literal(path[end : found.start()]), ".*" if found[1] else "[^/]+"]
        end = found.end()
    return "".join([*parts, _literal(path[end:])])


def _literal(text: str) -> str:
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)


def method_lines(routes: Routes) -> list[str]:
    """Return the lines of the map from `method path` to service, the first match winning."""
    lines = []
    for path in routes.in_order():
        by_owner: dict[str, list[str]] = {}
        for method, owner in routes.owners[path].items():
            by_owner.setdefault(owner, []).extend([method, "HEAD"] if method == "GET" else [method])
        lines += [f'    "~^(?:{"|".join(methods)}) {pattern(path)}$" {owner};' for owner, methods in by_owner.items()]
    # A method that a path does not take: its owner says so (405), and which it takes.
    lines += [
        f'    "~^[A-Z]+ {pattern(path)}$" {next(iter(routes.owners[path].values()))};' for path in routes.in_order()
    ]
    return lines


def conf(routes: Routes, addresses: Mapping[str, str] | None = None) -> str:
    """Return nginx's configuration: where each service is, and which requests it gets.

    Args:
        routes: The table.
        addresses: Service -> `host:port`, where it is not `<service>:8080`.
    """
    blocks = [
        "# Made by `python -m deploy.generate` from deploy/routes.yaml: change that, and run it again.\n",
        *(_upstream(service, (addresses or {}).get(service, f"{service}:{PORT}")) for service in routes.services),
        "# The first expression that matches decides.",
        'map "$request_method $uri" $ledgerdesk_owner {',
        f"    default {routes.otherwise};",
        *method_lines(routes),
        "}\n",
        "# What the access log calls a request: paths themselves hold names.",
        "map $uri $ledgerdesk_route {",
        '    default "other";',
        *(f'    "~^{pattern(path)}$" "{path}";' for path in routes.in_order()),
        "}",
    ]
    return "\n".join(blocks) + "\n"


def _upstream(service: str, address: str) -> str:
    """Return one service's block. A name is asked for again and again: containers come back with other addresses."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        ipaddress.ip_address(host)
        named, zone = "", ""
    except ValueError:
        named, zone = " resolve", f"    zone {service} 64k;\n"
    return (
        f"upstream {service} {{\n{zone}    server {address}{named} fail_timeout=2s;\n"
        f"    keepalive 16;\n    keepalive_timeout {KEEPALIVE_SECONDS}s;\n}}\n"
    )


def addresses_in(urls: str) -> dict[str, str]:
    """Return service -> `host:port` from the form of LEDGERDESK_SERVICE_URLS."""
    pairs = (pair.partition("=") for pair in filter(None, urls.split(",")))
    return {name.strip(): url.strip().removeprefix("http://").rstrip("/") for name, _, url in pairs}


def main() -> int:
    """Write the file, or say whether it is what it should be."""
    parser = argparse.ArgumentParser(prog="python -m deploy.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is not up to date")
    parser.add_argument("--output", type=Path, default=CONF, help=f"default: {CONF.relative_to(HERE.parent)}")
    parser.add_argument(
        "--service-urls", default="", help="where services are, as in LEDGERDESK_SERVICE_URLS; default: <service>:8080"
    )
    given = parser.parse_args()
    text = conf(Routes.read(), addresses_in(given.service_urls))
    if given.check:
        fresh = given.output.exists() and given.output.read_text() == text
        sys.stdout.write(
            "" if fresh else f"{given.output} is not what deploy/routes.yaml says: run `python -m deploy.generate`\n"
        )
        return 0 if fresh else 1
    given.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
