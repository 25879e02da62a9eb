"""The tree of RFC 6962: appending to it, and which of its nodes a proof is made of. Nothing is kept here.

A node is (level, index): the subtree over the 2^level leaves from index × 2^level on, all of them there. What
stands at the right edge, over fewer leaves, is hashed of such nodes when it is needed and never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from gateway.audit.hashing import Hashing, sha256
from gateway.audit.proofs import node_hash

Node = tuple[int, int]
"""Level and index."""

Part = tuple[Node, ...]
"""Whole nodes beside each other, the largest first, that are hashed together from the right: one hash of a proof."""

KEPT_LEVELS = 8
"""Every so many levels the nodes are kept; those between are hashed of at most 128 below them."""


class Frontier(Struct, frozen=True):
    """The right edge of a tree: its size, and the hashes of the largest whole subtrees, from the left."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()


def extended(
    frontier: Frontier, leaves: Iterable[bytes], hashing: Hashing = sha256
) -> tuple[Frontier, list[tuple[int, int, bytes]]]:
    """Append the hashes of leaves; gives the frontier then, and the new nodes that are to be kept, with their hash."""
    size, edge = frontier.size, list(frontier.hashes)
    kept: list[tuple[int, int, bytes]] = []
    for leaf in leaves:
        edge.append(leaf)
        size += 1
        level, counted = 0, size
        while not counted & 1:  # a subtree got whole: it and its left neighbour become one
            right, left = edge.pop(), edge.pop()
            edge.append(node_hash(left, right, hashing))
            level, counted = level + 1, counted >> 1
            if level % KEPT_LEVELS == 0:
                kept.append((level, counted - 1, edge[-1]))
    return Frontier(size, tuple(edge)), kept


def folded(hashes: Sequence[bytes], hashing: Hashing = sha256) -> bytes:
    """Hash what stands beside each other, the largest first, from the right; of nothing the hash of nothing."""
    if not hashes:
        return hashing(b"")
    *rest, root = hashes
    for left in reversed(rest):
        root = node_hash(left, root, hashing)
    return root


def root(frontier: Frontier, hashing: Hashing = sha256) -> bytes:
    """Give the root of a tree."""
    return folded(frontier.hashes, hashing)


def perfect(hashes: Sequence[bytes], hashing: Hashing = sha256) -> bytes:
    """Give the root of a whole subtree: of 1, 2, 4, 8 … hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1], hashing) for at in range(0, len(hashes), 2)]
    return hashes[0]


# ── proofs ────────────────────────────────────────────────────────────────────────────────────
def inclusion(index: int, size: int) -> list[Part]:
    """Give the parts of the inclusion proof of a leaf in the tree of a size, from below."""
    return _path(index, 0, size)


def consistency(old: int, new: int) -> list[Part]:
    """Give the parts of the proof that the tree of size `new` begins with that of size `old`."""
    if not 0 < old < new:
        return []
    return _subproof(old, 0, new, whole=True)


def needed(parts: Iterable[Part]) -> set[Node]:
    """Give the nodes that parts are made of."""
    return {node for part in parts for node in part}


def resolved(parts: Iterable[Part], found: Mapping[Node, bytes], hashing: Hashing = sha256) -> list[bytes]:
    """Give the hashes of parts, from the hashes of their nodes."""
    return [folded([found[node] for node in part], hashing) for part in parts]


def edge(size: int) -> Part:
    """Give the nodes of the right edge of the tree of a size: its root is hashed of these."""
    return _over(0, size)


def _over(start: int, end: int) -> Part:
    """Give the whole nodes over the leaves of a subtree, from `start` up to and without `end`."""
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return tuple(nodes)


def _split(count: int) -> int:
    """Give the leaves of the left subtree: the largest power of two that is smaller than all."""
    return 1 << ((count - 1).bit_length() - 1)


def _path(index: int, start: int, end: int) -> list[Part]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle), _over(middle, end)]
    return [*_path(index, middle, end), _over(start, middle)]


def _subproof(old: int, start: int, end: int, *, whole: bool) -> list[Part]:
    """SUBPROOF of RFC 6962, section 2.1.2. `whole`: the verifier knows the hash of these leaves from the old root."""
    if old == end - start:
        return [] if whole else [_over(start, end)]
    count = _split(end - start)
    middle = start + count
    if old <= count:
        return [*_subproof(old, start, middle, whole=whole), _over(middle, end)]
    return [*_subproof(old - count, middle, end, whole=False), _over(start, middle)]


def below(node: Node) -> tuple[int, int, int]:
    """Give what a node is hashed of as it is kept: their level, the first one's index, and how many they are."""
    level, index = node
    kept = level - level % KEPT_LEVELS
    wide = level - kept
    return kept, index << wide, 1 << wide


Reader = Callable[[int, int, int], Sequence[bytes]]
"""Gives the hashes of so many kept nodes of a level, from an index on; at level 0 those of the leaves."""


def read(nodes: Iterable[Node], reader: Reader, hashing: Hashing = sha256) -> dict[Node, bytes]:
    """Give the hashes of nodes of which all leaves are there: of each at most 128 kept ones are read."""
    return {node: perfect(reader(*below(node)), hashing) for node in nodes}
