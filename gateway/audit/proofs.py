"""Verify inclusion and consistency proofs of the tree of RFC 6962, section 2.1."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.audit.hashing import Hashing, sha256


def leaf_hash(content: bytes, hashing: Hashing = sha256) -> bytes:
    """Hash a leaf's content."""
    return hashing(b"\x00" + content)


def node_hash(left: bytes, right: bytes, hashing: Hashing = sha256) -> bytes:
    """Hash the node above two others."""
    return hashing(b"\x01" + left + right)


def root_of_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], hashing: Hashing = sha256
) -> bytes | None:
    """Give the root that an inclusion proof leads to; None when the path cannot be one of this index and size."""
    if not 0 <= index < size:
        return None
    position, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if position % 2 or position == last:
            root = node_hash(sibling, root, hashing)
            while not position % 2 and position:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, sibling, hashing)
        position, last = position >> 1, last >> 1
    return root if last == 0 else None


def is_included(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes, hashing: Hashing = sha256
) -> bool:
    """Tell whether a proof shows that a leaf's hash stands at an index of the tree with this size and root."""
    return root_of_inclusion(leaf, index, size, path, hashing) == root


def is_consistent(
    old_size: int,
    new_size: int,
    old_root: bytes,
    new_root: bytes,
    path: Sequence[bytes],
    hashing: Hashing = sha256,
) -> bool:
    """Tell whether a proof shows that the larger tree begins with all of the smaller one, unchanged."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path and old_root == hashing(b"")
    position, last = old_size - 1, new_size - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    rest = list(path)
    if position:
        if not rest:
            return False
        old = new = rest.pop(0)
    else:
        old = new = old_root  # the smaller tree is a whole subtree of the larger one
    for sibling in rest:
        if last == 0:
            return False
        if position % 2 or position == last:
            old, new = node_hash(sibling, old, hashing), node_hash(sibling, new, hashing)
            while not position % 2 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling, hashing)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root
