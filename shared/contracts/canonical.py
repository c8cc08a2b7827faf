"""The bytes that hashes are taken over: JSON in the canonical form of RFC 8785.

Events hold no floating-point numbers and only ASCII keys (the payload models see to it), and for such values
``orjson`` with sorted keys writes exactly the form of RFC 8785, about thirty times faster than the reference library.
``tests/unit/test_canonical.py`` compares the two on generated values; an audit uses the reference library itself.
"""

import hashlib
import hmac
from typing import Any

import orjson

GENESIS = bytes(32)
"""What stands for "the previous hash" of a stream's first event."""


def canonical(value: Any) -> bytes:
    """Return `value` as canonical JSON (RFC 8785): sorted keys, no white space, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def personal_digest(salt: bytes, personal: dict[str, Any]) -> bytes:
    """Digest that stays in the ledger after the personal part is erased; the salt makes it unguessable."""
    return hashlib.sha256(salt + canonical(personal)).digest()


def event_hash(previous: bytes, envelope: dict[str, Any], digest: bytes | None) -> bytes:
    """Link of the hash chain: over the previous link, the envelope with its data, and the personal digest."""
    return hashlib.sha256(previous + canonical(envelope) + (digest or b"")).digest()


def keyed_digest(key: bytes, text: str) -> str:
    """Hex HMAC-SHA-256: names a secret or an address without giving it away to who lacks the key."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
