"""Bring the catalogues up to date with what the pages say: `make messages`, or `python -m tests.contract.messages [TAG]`.

New messages come in without a translation, those that are said no more go; a translation that is there is never touched. With a
tag, as `fr`, a catalogue of that language is begun.
"""

import sys
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from services.gateway.pages.language import CATALOGUE, FOLDER
from services.reporting.queries import REPORTS
from shared.contracts.permissions import MEANING
from shared.http.problems import TITLES

ROOT = Path(__file__).parents[2]
PAGES = FOLDER.parent
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
SOURCES = (("**/*.py", "python"), ("templates/*.html", "jinja2"), ("static/js/*.js", "javascript"))
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}
"""As `render.py` reads templates; what cannot be read is an error."""
ELSEWHERE = {
    "services/reporting/queries": [text for report in REPORTS.values() for text in (report.title, report.definition)],
    "shared/contracts/permissions.py": list(MEANING.values()),
    "shared/http/problems.py": list(TITLES.values()),
}
"""What the API says in English wherever it is asked, and the pages in the reader's language: they are marked by nothing there."""
HEADER = """\
# What the pages say, in this language. Messages are collected by `make messages`; see docs/recipes.md, "a language".
#"""


def said() -> Catalog:
    """Return every message of the pages, each with the files that it is in."""
    catalogue = Catalog(charset="utf-8")
    for pattern, method in SOURCES:
        for path in sorted(PAGES.glob(pattern)):
            options = OPTIONS if method == "jinja2" else {}
            for _, message, _, context in extract_from_file(method, path, KEYWORDS, options=options):
                catalogue.add(message, locations=[(path.relative_to(ROOT).as_posix(), None)], context=context)  # type: ignore[list-item] # babel writes a place without a line so
    for place, texts in ELSEWHERE.items():
        for text in texts:
            catalogue.add(text, locations=[(place, None)])  # type: ignore[list-item] # see above
    return catalogue


def updated(tag: str, text: bytes | None) -> bytes:
    """Return the text of a language's catalogue with the messages that there are now."""
    template = said()
    if text is None:
        catalogue = Catalog(
            Locale.parse(tag, sep="-"), header_comment=HEADER, project="Ledgerdesk", fuzzy=False, charset="utf-8"
        )
    else:
        catalogue = read_po(BytesIO(text), locale=str(Locale.parse(tag, sep="-")))
    before = (catalogue.header_comment, catalogue.creation_date, catalogue.revision_date)
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
    catalogue.header_comment, catalogue.creation_date, catalogue.revision_date = before
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return written.getvalue()


def main(arguments: list[str]) -> None:
    """Update every catalogue; begin one of each language that is named."""
    for tag in sorted({path.parts[-3] for path in FOLDER.glob(f"*/{CATALOGUE}")} | set(arguments)):
        path = FOLDER / tag / CATALOGUE
        text = updated(tag, path.read_bytes() if path.exists() else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        catalogue = read_po(BytesIO(text))
        missing = [
            m for m in catalogue if m.id and not (all(m.string) if isinstance(m.string, (tuple, list)) else m.string)
        ]
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} messages, {len(missing)} without a translation")  # noqa: T201 -- a command


if __name__ == "__main__":
    main(sys.argv[1:])
