"""Merkle trees of RFC 6962 section 2.1 over SHA-256: hashes, compact ranges, proofs.

Runs of hashes of one height are passed as one `bytes`, 32 a hash: so neighbours are already joined for
hashing and a tile's file is its own representation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from services.audit.log.errors import ProofError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

# (height, index) → MTH of the perfect subtree over the entries [index << height, (index + 1) << height).
HashReader = Callable[[int, int], bytes]


class TreeState(NamedTuple):
    """How many entries a tree has, and its root over them."""

    size: int
    root: bytes


EMPTY_TREE = TreeState(0, EMPTY_ROOT)


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> bytes:
    """The joined hashes of a run of entries."""
    return b"".join([sha256(b"\x00" + entry).digest() for entry in entries])


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def parents(hashes: bytes) -> bytes:
    """The hashes above a run of joined ones that begins with a left one; a last one without its right is left out."""
    pairs = range(0, len(hashes) - HASH_SIZE, 2 * HASH_SIZE)
    return b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH_SIZE]).digest() for at in pairs])


def perfect_root(hashes: bytes) -> bytes:
    """The root over a run of 2^n joined hashes of one height."""
    while len(hashes) > HASH_SIZE:
        hashes = parents(hashes)
    return hashes


def compact_range(hashes: bytes) -> list[bytes]:
    """The roots of the largest perfect subtrees over a run that starts a tree, left to right."""
    roots = []
    count, at = len(hashes) // HASH_SIZE, 0
    for bit in reversed(range(count.bit_length())):
        if count >> bit & 1:
            end = at + (HASH_SIZE << bit)
            roots.append(perfect_root(hashes[at:end]))
            at = end
    return roots


def range_root(roots: Sequence[bytes]) -> bytes:
    """The tree's root, from its compact range."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def tree_root(hashes: bytes) -> bytes:
    """MTH over joined leaf hashes, held in memory."""
    return range_root(compact_range(hashes))


def root_at(size: int, read: HashReader) -> bytes:
    """The root a tree had at `size` entries."""
    return _subtree(0, size, read) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """The audit path (RFC 6962 2.1.1) of entry `index` in the tree of `size`, the leaf's sibling first."""
    if not 0 <= index < size:
        raise ProofError("entry isn't in the tree", f"an index below {size}", index)
    return _path(index, 0, size, read)


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """The proof (RFC 6962 2.1.2) that the tree of `old` entries is a prefix of the tree of `new`."""
    if not 0 <= old <= new:
        raise ProofError("no consistency proof to a smaller tree", f"an old size up to {new}", old)
    if old in (0, new):
        return []
    return _prefix_proof(old, 0, new, True, read)


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check an audit path (RFC 9162 2.1.3.2). Raises ProofError."""
    if not 0 <= index < size:
        raise ProofError("entry isn't in the tree", f"an index below {size}", index)
    _check_hashes(leaf, root, *proof)
    node, last, reached = index, size - 1, leaf
    for step, sibling in enumerate(proof):
        if last == 0:
            raise ProofError("inclusion proof is too long", f"{step} hashes", f"{len(proof)}")
        if node & 1 or node == last:
            reached = node_hash(sibling, reached)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("inclusion proof is too short", f"more than {len(proof)} hashes", f"{len(proof)}")
    if reached != root:
        raise ProofError(f"inclusion proof of entry {index} in {size} leads to another root", root, reached)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the old tree is a prefix of the new one (RFC 9162 2.1.4.2). Raises ProofError."""
    _check_hashes(old_root, new_root, *proof)
    if not 0 <= old <= new:
        raise ProofError("the newer tree is smaller", f"at least {old} entries", new)
    if old in (0, new):
        if proof:
            raise ProofError(f"consistency proof {old} → {new} must be empty", "0 hashes", len(proof))
        wanted = new_root if old == new else EMPTY_ROOT
        if old_root != wanted:
            raise ProofError(f"root of the tree of {old}", wanted, old_root)
        return
    if not proof:
        raise ProofError(f"consistency proof {old} → {new} is empty", "at least 1 hash", "0")
    # A perfect old tree is itself the first node, so its proof leaves it out.
    nodes = [old_root, *proof] if _perfect(old) else proof
    reached_old, reached_new = consistency_roots(old, new, nodes)
    if reached_old != old_root:
        raise ProofError(f"consistency proof doesn't start at the root of {old}", old_root, reached_old)
    if reached_new != new_root:
        raise ProofError(f"consistency proof doesn't lead to the root of {new}", new_root, reached_new)


def convicts(old: int, new: int, new_root: bytes, read: HashReader) -> bool:
    """Whether `read` shows for certain which root the tree of `new_root` had at `old` entries, 0 < old < new.

    It does where the nodes of which that root is made lead to `new_root` as well: then none else has them. Raises
    ProofError for hashes that are none.
    """
    first = [root_at(old, read)] if _perfect(old) else []
    return consistency_roots(old, new, [*first, *consistency_proof(old, new, read)])[1] == new_root


def consistency_roots(old: int, new: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the trees of `old` and `new` that a consistency proof's nodes make, 0 < old < new.

    The first node is the smallest perfect subtree that ends the old tree. Raises ProofError for too many or too few.
    """
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    reached_old = reached_new = nodes[0]
    for hash_ in nodes[1:]:
        if last == 0:
            raise ProofError("consistency proof is too long", "fewer hashes", len(nodes))
        if node & 1 or node == last:
            reached_old = node_hash(hash_, reached_old)
            reached_new = node_hash(hash_, reached_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            reached_new = node_hash(reached_new, hash_)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("consistency proof is too short", "more hashes", len(nodes))
    return reached_old, reached_new


def _perfect(count: int) -> bool:
    return count & (count - 1) == 0


def _check_hashes(*hashes: bytes) -> None:
    for hash_ in hashes:
        if len(hash_) != HASH_SIZE:
            raise ProofError("not a SHA-256 hash", f"{HASH_SIZE} bytes", f"{len(hash_)} bytes")


def _split(count: int) -> int:
    """The largest power of two smaller than count."""
    return 1 << (count - 1).bit_length() - 1


def _subtree(start: int, end: int, read: HashReader) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        return read(height, start >> height)
    middle = start + _split(count)
    return node_hash(_subtree(start, middle, read), _subtree(middle, end, read))


def _path(index: int, start: int, end: int, read: HashReader) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle, read), _subtree(middle, end, read)]
    return [*_path(index, middle, end, read), _subtree(start, middle, read)]


def _prefix_proof(old: int, start: int, end: int, known: bool, read: HashReader) -> list[bytes]:
    """SUBPROOF of RFC 6962: `known` while the old tree's own root is still this subtree."""
    if old == end:
        return [] if known else [_subtree(start, end, read)]
    middle = start + _split(end - start)
    if old <= middle:
        return [*_prefix_proof(old, start, middle, known, read), _subtree(middle, end, read)]
    return [*_prefix_proof(old, middle, end, False, read), _subtree(start, middle, read)]
