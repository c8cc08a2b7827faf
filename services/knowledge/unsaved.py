"""Images of an article that is being written, before it is saved: shown to who has uploaded them, and to nobody else.

Until a version names a file, it is an upload: bytes among those of everybody, and a signed id that says whose they are. A preview
shows such an image by an address that says the same, sealed, as addresses come to be in logs, and a digest tells who has a file like it.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.files import KEPT_UNUSED
from shared.http.attachments import whose
from shared.http.caller import Caller
from shared.settings import Settings

PATH = "/api/v1/articles/preview/images"
_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Shown(NamedTuple):
    """An image: its content, by digest, and what it is by its bytes."""

    sha256: str
    media_type: str


class Unsaved:
    """Makes and reads the addresses.

    Args:
        settings: For the key.
        now: Tells the time, in seconds.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._key = OctKey.import_key(settings.derived_key("unsaved-image"))
        self._now = now

    def address(self, file: Mapping[str, Any], caller: Caller) -> str:
        """Return where the caller sees an image that he has uploaded; good for as long as an upload is kept."""
        until = int(self._now() + KEPT_UNUSED)
        said = {"for": whose(caller), "until": until, **{part: file[part] for part in Shown._fields}}
        return f"{PATH}/{jwe.encrypt_compact(_HEADER, json.dumps(said).encode(), self._key)}"

    def read(self, sealed: str, caller: Caller) -> Shown | None:
        """Return the image that the last part of an address stands for; None: it is none, too old, or another's."""
        try:
            plain = jwe.decrypt_compact(sealed, self._key, algorithms=list(_HEADER.values())).plaintext
            said = json.loads(plain or b"")
        except (JoseError, ValueError):
            return None
        if said["for"] != whose(caller) or said["until"] < self._now():
            return None
        return Shown(*(said[part] for part in Shown._fields))
