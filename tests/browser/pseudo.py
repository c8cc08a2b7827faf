"""A language in which every word of ours is in brackets, so that words which nobody can translate stand out.

It goes by the tag of a language that we have no catalogue of. Brackets are around what a message itself says, not around its values.
"""

import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from services.gateway.pages.language import CATALOGUE
from tests.contract.messages import said

TAG = "eo"
_VALUE = re.compile(r"(%\(\w+\)s|%%)")
_LETTERS = re.compile(r"[^\W\d_]")


def bracketed(text: str) -> str:
    return "".join(
        f"⟦{part}⟧" if _LETTERS.search(part) and not _VALUE.fullmatch(part) else part for part in _VALUE.split(text)
    )


def write(folder: Path) -> None:
    """Write the catalogue into a folder for `LEDGERDESK_LOCALES`."""
    catalogue = Catalog(TAG, fuzzy=False, charset="utf-8")
    for message in said():
        if message.id:
            texts = [message.id] if isinstance(message.id, str) else list(message.id)
            made = [bracketed(text) for text in texts]
            catalogue.add(
                message.id,
                made[0] if isinstance(message.id, str) else tuple(made),
                context=message.context,
                locations=message.locations,
            )
    path = folder / TAG / CATALOGUE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, include_lineno=False)
