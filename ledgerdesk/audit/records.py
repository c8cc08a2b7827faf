"""The record of a seal: what it says, how it is signed, how records are linked. Pure.

Here the reference library writes canonical JSON, not the fast way of the stores: what checks should not share their mistakes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, NoReturn

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from shared.contracts.fields import Strict

FORMAT = "ledgerdesk-seal/1"
CONTEXT = b"ledgerdesk-seal/1\n"
"""What is signed begins with this, so that a signature can never be one over something else."""
NO_PREVIOUS = "0" * 64

Name = Annotated[str, Field(pattern=r"^[a-z]+$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Ring = Mapping[str, Ed25519PublicKey]
"""Key id -> public key."""


class RecordError(ValueError):
    """A record, or what was given as one, does not hold; the message says which and why."""


class Record(Strict):
    """One seal.

    Attributes:
        format: `FORMAT`.
        number: 1, 2, 3, … without holes.
        day: The last whole day (UTC) that it covers.
        at: When it was made, RFC 3339.
        positions: Owner -> position of the last event that it covers.
        streams: How many leaves its tree has.
        root: The tree's root.
        previous: Hash of the record before; zeros in the first.
        key_id: Which key signed it.
        signature: Ed25519, over `CONTEXT` and the rest in canonical JSON.
    """

    format: Literal["ledgerdesk-seal/1"]
    number: Count
    day: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    at: Moment
    positions: dict[Name, Count]
    streams: Count
    root: Digest
    previous: Digest
    key_id: Digest
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    @property
    def hash(self) -> str:
        """What the next record holds as `previous`."""
        return hashlib.sha256(self.line).hexdigest()

    @property
    def line(self) -> bytes:
        """The record as it is kept: canonical JSON, signature and all."""
        return rfc8785.dumps(self.model_dump())

    @property
    def moment(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.at)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name of a key: the hash of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def signed(content: dict[str, Any], key: Ed25519PrivateKey) -> Record:
    """Return the record with this content, signed."""
    whole = {**content, "format": FORMAT, "key_id": key_id(key.public_key())}
    signature = key.sign(CONTEXT + rfc8785.dumps(whole)).hex()
    return Record.model_validate({**whole, "signature": signature})


def last_whole_day(moment: datetime) -> date:
    """Return the day (UTC) that ended last before a moment."""
    return moment.astimezone(UTC).date() - timedelta(days=1)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no value that a history holds")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same member twice")
    return found


def strict_json(text: str | bytes) -> Any:
    """Read JSON without what programs read differently: doubled members, fractions, NaN.

    Raises:
        ValueError: It is no such JSON.
    """
    return json.loads(text, object_pairs_hook=_members, parse_float=_refuse, parse_constant=_refuse)


def read(line: str | bytes) -> Record:
    """Read a record as it is kept.

    Raises:
        RecordError: It is none.
    """
    try:
        return Record.model_validate(strict_json(line))
    except ValidationError as error:
        first = error.errors()[0]
        raise RecordError(f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from error
    except (ValueError, rfc8785.CanonicalizationError) as error:
        raise RecordError(str(error)) from error


def check(record: Record, ring: Ring) -> None:
    """Check a record's signature.

    Raises:
        RecordError: It does not hold, or its key is none of ours.
    """
    key = ring.get(record.key_id)
    if key is None:
        raise RecordError(
            f"seal {record.number} is signed by key {record.key_id}, which is not among the public keys given"
        )
    rest = record.model_dump(exclude={"signature"})
    try:
        key.verify(bytes.fromhex(record.signature), CONTEXT + rfc8785.dumps(rest))
    except (InvalidSignature, rfc8785.CanonicalizationError) as error:
        raise RecordError(f"seal {record.number}: its signature does not hold: it was changed or forged") from error


def check_chain(records: Sequence[Record], ring: Ring) -> list[str]:
    """Return what does not hold in a list of records that should be all from the first on."""
    wrong = []
    number, previous = 0, NO_PREVIOUS
    for record in records:
        try:
            check(record, ring)
        except RecordError as error:
            wrong.append(str(error))
        if record.number != number + 1:
            wrong.append(f"seal {number + 1} is missing: seal {record.number} stands in its place")
        elif record.previous != previous:
            wrong.append(f"seal {record.number} does not follow from the one before it: one of the two was changed")
        number, previous = record.number, record.hash
    return wrong
