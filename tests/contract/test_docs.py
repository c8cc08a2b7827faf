"""What the documents say is so: links, commands, variables, make targets, code blocks, and the table of events.

The table in docs/events.md is made from the catalogue: `python tests/contract/test_docs.py` writes it anew.
"""

import json
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
import yaml

from ledgerdesk.cli import app
from ledgerdesk.organisation import OrganisationFile
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.event import WATERMARK
from shared.contracts.fields import Strict
from shared.contracts.permissions import DEFAULTS, MEANING
from shared.contracts.tickets import Imported
from shared.contracts.topic_names import PARTITIONS
from shared.hours import hours_of
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCS]
EVENTS = ROOT / "docs" / "events.md"
BEGIN, END = "<!-- catalogue: begin -->", "<!-- catalogue: end -->"

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.+?)\s*$", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[\s/])ledgerdesk((?: [a-z][a-z-]*)+)(.*)$")
_OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")
_VARIABLE = re.compile(r"\bLEDGERDESK_[A-Z_]*[A-Z]")
_TYPE = re.compile(r"\bledgerdesk\.[a-z_]+(?:\.[a-z_]+)?\b")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return _INLINE.sub("", _FENCE.sub("", text))


def anchors_of(path: Path) -> set[str]:
    """The anchors that a Markdown page's headings have on the usual hosts."""
    found = set()
    for heading in _HEADING.findall(_FENCE.sub("", text_of(path))):
        plain = re.sub(r"[`*_]|\[|\]\([^)]*\)", "", heading).lower()
        found.add(re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain)))
    return found


def code_of(text: str) -> Iterator[tuple[str, str]]:
    """(language, line) of all code: blocks and what stands between backticks."""
    for language, block in _FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield language, line
    for code in _INLINE.findall(_FENCE.sub("", text)):
        yield "", code


# -- links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_resolves(name: str):
    path = ROOT / name
    broken = []
    for link in _LINK.findall(without_code(text_of(path))):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = unquote(link).partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists():
            broken.append(f"{link}: there is no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
            broken.append(f"{link}: there is no such heading")
    assert not broken


# -- the API ---------------------------------------------------------------------------------------------------------

_CALL = re.compile(r"(?:(?:GET|POST|PUT|PATCH|DELETE|[|])+ )?(/[^\s`?]*)")


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.rstrip("/."))


def described(text: str) -> set[str]:
    """The paths that a page's code names; one that begins anew (`/replies` after `/tickets/{ref}/notes`) beside the one before."""
    found, before = set(), ""
    for _, code in code_of(text):
        if (call := _CALL.match(code)) is None:
            continue
        path = _shape(call[1])
        parents = before.split("/")
        found |= {path, *("/".join(parents[:length]) + path for length in range(1, len(parents) + 1))}
        before = path if path.split("/")[1] in _FIRSTS else before
    return found


_PATHS = [
    path.removeprefix("/api/v1") for path in json.loads((ROOT / "tests/contract/openapi.json").read_text())["paths"]
]
_FIRSTS = {path.split("/")[1] for path in _PATHS}


def test_every_endpoint_is_described():
    known = described(text_of(ROOT / "docs" / "api.md"))
    verbs = re.search(r"Verbs: ([^.]*)", text_of(ROOT / "docs" / "api.md"))
    assert verbs is not None
    known |= {f"/bulk/{verb}" for verb in re.findall(r"\w+", verbs[1])}
    known |= {f"/bulk/{owner}/{{}}/undo" for owner in ("routing", "workflow") if "/bulk/{}/{}/undo" in known}
    assert [path for path in _PATHS if _shape(path) not in known] == [], "describe it in docs/api.md"


@pytest.mark.parametrize("name", ["routing.md", "service-levels.md"])
def test_an_organisation_in_a_document_can_be_applied(name: str):
    blocks = [block for language, block in _FENCE.findall(text_of(ROOT / "docs" / name)) if language == "yaml"]
    assert blocks
    for block in blocks:
        file = OrganisationFile.model_validate(yaml.safe_load(block))
        for calendar in file.calendars:
            hours_of(calendar.model_dump())


# -- the table of events ---------------------------------------------------------------------------------------------


def _nested(annotation: Any) -> type[Strict] | None:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    if typing.get_origin(annotation) in {list, typing.Union, types.UnionType}:
        return next((found for part in typing.get_args(annotation) if (found := _nested(part))), None)
    return None


def _fields(model: type[Strict], depth: int = 1) -> str:
    """The names of a payload's fields; `?` after one that may be missing, the fields of a part in braces."""
    names = []
    for name, field in model.model_fields.items():
        if name == "origin" and issubclass(model, Imported):
            continue  # said once, above the table
        part = _nested(field.annotation)
        inner = f" {{{_fields(part, depth - 1)}}}" if part is not None and depth > 0 and name != "old" else ""
        names.append(f"{name}{'' if field.is_required() else '?'}{inner}")
    return ", ".join(names)


def event_table() -> str:
    """The table of docs/events.md, from the catalogue."""
    lines = ["| type | owner | topic | schema | `data` | `personal` |", "|---|---|---|---|---|---|"]
    for spec in CATALOGUE.values():
        topic = f"`{spec.topic}`" if spec.topic else "none"
        data = f"`{fields}`" if (fields := _fields(spec.data)) else ""
        personal = f"`{_fields(spec.personal)}`" if spec.personal is not None else ""
        lines.append(f"| `{spec.type}` | {spec.owner} | {topic} | {spec.schema_version} | {data} | {personal} |")
    return "\n".join(lines)


def test_the_table_of_events_is_the_catalogue():
    _, _, rest = text_of(EVENTS).partition(BEGIN)
    table, _, _ = rest.partition(END)
    assert table.strip() == event_table(), "run `python tests/contract/test_docs.py`, and look at what has changed"


def test_every_type_that_the_pages_name_is_in_the_catalogue():
    known = {*CATALOGUE, *PARTITIONS, WATERMARK}
    # Names of modules, schemas and tables look alike; those are checked where they live.
    modules = {f"ledgerdesk.{path.stem}" for path in (ROOT / "ledgerdesk").iterdir()} | {"ledgerdesk.log"}
    unknown = {
        f"{path.name}: {name}"
        for path in DOCS
        for _, line in code_of(text_of(path))
        for name in _TYPE.findall(line)
        if name not in known and name not in modules and not name.startswith("ledgerdesk.cli")
    }
    assert not unknown


def test_events_of_each_topic_are_complete():
    table = event_table()
    assert all(f"`{event_type}`" in table for event_type in CATALOGUE)
    assert table.count("\n") == len(CATALOGUE) + 1


def test_every_permission_is_described_as_the_code_says_it():
    text = text_of(ROOT / "docs" / "api.md")
    for permission, meaning in MEANING.items():
        default = "yes" if permission in DEFAULTS["agent"] else ""
        assert f"| `{permission}` | {meaning} | {default} |" in text


# -- commands, variables, targets --------------------------------------------------------------------------------------


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words lead to, and the words left over."""
    found: Any = typer.main.get_command(app)
    while words and hasattr(found, "commands") and words[0] in found.commands:
        found, words = found.commands[words[0]], words[1:]
    return found, words


@pytest.mark.parametrize("name", NAMES)
def test_every_command_exists_with_its_options(name: str):
    wrong = []
    for language, line in code_of(text_of(ROOT / name)):
        match = None if language in {"python", "text", "mermaid", "yaml"} else _COMMAND.search(line.partition(" #")[0])
        if match is None:
            continue
        command, left = _command(match[1].split())
        if hasattr(command, "commands"):
            wrong.append(f"{line.strip()}: there is no command {' '.join(left) or '(none)'}")
            continue
        options = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        wrong += [f"{line.strip()}: no option {o}" for o in _OPTION.findall(match[2]) if o not in {*options, "--help"}]
    assert not wrong


def _variables_in_code() -> set[str]:
    files = [ROOT / "Makefile", ROOT / "docker-compose.yml"]
    for folder in ("shared", "services", "ledgerdesk", "deploy", "tests", "bench"):
        files += [
            path
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and path.suffix in {".py", ".sh", ".yml", ".yaml", ".example", ""}
        ]
    found = {
        name
        for path in files
        if path.exists() and path != Path(__file__)
        for name in _VARIABLE.findall(path.read_text(errors="ignore"))
    }
    return found | {f"LEDGERDESK_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_exists(name: str):
    assert not set(_VARIABLE.findall(text_of(ROOT / name))) - _variables_in_code()


def test_every_setting_is_described():
    described = set(_VARIABLE.findall(text_of(ROOT / "docs" / "operations.md")))
    missing = {f"LEDGERDESK_{field.upper()}" for field in Settings.model_fields} - described
    assert not missing - {"LEDGERDESK_DATABASE_URL", "LEDGERDESK_KAFKA_BOOTSTRAP_SERVERS"}  # there without the prefix


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_exists(name: str):
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {m for _, line in code_of(text_of(ROOT / name)) for m in re.findall(r"^\s*make ([a-z]+)", line)}
    assert not named - targets


# -- code ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_python_blocks_compile(name: str):
    for language, block in _FENCE.findall(text_of(ROOT / name)):
        if language == "python":
            compile(block, name, "exec")


def test_the_dependencies_are_all_explained():
    named = re.findall(
        r'^    "([a-z0-9-]+)', text_of(ROOT / "pyproject.toml").partition("[project.scripts]")[0], re.MULTILINE
    )
    readme = text_of(ROOT / "README.md")
    assert named
    assert not [name for name in named if f"| `{name}` |" not in readme]


def write_table() -> None:
    """Put the table of the catalogue as it is now into docs/events.md."""
    before, _, rest = text_of(EVENTS).partition(BEGIN)
    _, _, after = rest.partition(END)
    EVENTS.write_text(f"{before}{BEGIN}\n{event_table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write_table()
    sys.exit(0)
