"""A Merkle tree as in RFC 6962, section 2.1: built from a stream of leaves, with paths for those that are asked for.

Memory grows with the logarithm of the number of leaves. Leaves and inner nodes are hashed with different first bytes, so
that no inner node can be passed off as a leaf.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

LEAF, NODE = b"\x00", b"\x01"
EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf with this content."""
    return hashlib.sha256(LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(NODE + left + right).digest()


@dataclass(slots=True)
class Proof:
    """The way from one leaf to the root: its place, from 0, and the hashes of the neighbours on the way up."""

    index: int
    path: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Subtree:
    """A full subtree, and the proofs of those of its leaves that are asked for."""

    size: int
    hash: bytes
    proofs: Sequence[Proof] = ()


class Tree:
    """Takes leaves in their order and gives the root.

    It keeps one subtree for each power of two in the number of leaves, the largest first.
    """

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[_Subtree] = []

    def add(self, content: bytes, *, prove: bool = False) -> Proof | None:
        """Add a leaf. With `prove`, return its proof, which is complete once `root` has been asked for."""
        proof = Proof(self.size) if prove else None
        self._subtrees.append(_Subtree(1, leaf_hash(content), (proof,) if proof is not None else ()))
        self.size += 1
        while len(self._subtrees) > 1 and self._subtrees[-2].size == self._subtrees[-1].size:
            self._join()
        return proof

    def root(self) -> bytes:
        """Return the root. No leaf may follow."""
        while len(self._subtrees) > 1:
            self._join()
        return self._subtrees[0].hash if self._subtrees else EMPTY

    def _join(self) -> None:
        right, left = self._subtrees.pop(), self._subtrees.pop()
        for proof in left.proofs:
            proof.path.append(right.hash)
        for proof in right.proofs:
            proof.path.append(left.hash)
        joined = node_hash(left.hash, right.hash)
        self._subtrees.append(_Subtree(left.size + right.size, joined, [*left.proofs, *right.proofs]))


def root_of(content: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root of the tree of `size` leaves that has this leaf at `index`; None if the path cannot be one of it.

    RFC 9162, section 2.1.3.2. Which side a neighbour stands on follows from index and size: it is not for the path to say.
    """
    if not 0 <= index < size:
        return None
    place, last = index, size - 1
    found = leaf_hash(content)
    for neighbour in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = node_hash(neighbour, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, neighbour)
        place, last = place >> 1, last >> 1
    return found if last == 0 else None
