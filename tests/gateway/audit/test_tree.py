"""The tree of RFC 6962, against the test vectors of the reference implementation of Certificate Transparency.

They are those of google/certificate-transparency, `merkletree/merkle_tree_test.cc`, which transparency-dev/merkle
has in `testonly/constants.go`: eight leaves, the roots over the first one, two, three … of them, and proofs.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import tree
from gateway.audit.hashing import HASHINGS, sha256, sm3
from gateway.audit.proofs import is_consistent, is_included, leaf_hash, root_of_inclusion

LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
INCLUSION = {
    (0, 1): [],
    (0, 8): CONSISTENCY[1, 8],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


class Grown:
    """A tree as a ledger keeps it: the leaves, the kept nodes, and the frontier."""

    def __init__(self, leaves: list[bytes], hashing: tree.Hashing = sha256, *, at_once: int = 3) -> None:
        self.leaves = leaves
        self.hashing = hashing
        self.frontier = tree.Frontier()
        self.kept: dict[tuple[int, int], bytes] = {}
        for start in range(0, len(leaves), at_once):
            self.frontier, kept = tree.extended(self.frontier, leaves[start : start + at_once], hashing)
            self.kept |= {(level, index): hash for level, index, hash in kept}

    def reader(self, level: int, index: int, count: int) -> list[bytes]:
        """The hashes of kept nodes, or of leaves."""
        assert count <= 128
        if level == 0:
            return self.leaves[index : index + count]
        return [self.kept[level, at] for at in range(index, index + count)]

    def proof(self, parts: list[tree.Part]) -> list[bytes]:
        """The hashes of a proof."""
        return tree.resolved(parts, tree.read(tree.needed(parts), self.reader, self.hashing), self.hashing)

    def root(self, size: int) -> bytes:
        """The root when the tree had a size, from what is kept."""
        return self.proof([tree.edge(size)])[0]


PUBLISHED = Grown([leaf_hash(leaf) for leaf in LEAVES])


def test_published_roots() -> None:
    """Over the first leaves, as many as there are roots; over none the hash of nothing."""
    for size, root in enumerate(ROOTS, 1):
        grown = Grown(PUBLISHED.leaves[:size])
        assert tree.root(grown.frontier).hex() == root == PUBLISHED.root(size).hex()
    assert tree.root(tree.Frontier()) == sha256(b"")


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int) -> None:
    """The proof is made as it was published, and leads to the published root."""
    path = PUBLISHED.proof(tree.inclusion(index, size))
    assert [each.hex() for each in path] == INCLUSION[index, size]
    assert is_included(PUBLISHED.leaves[index], index, size, path, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int) -> None:
    """The proof is made as it was published, and leads to both published roots."""
    path = PUBLISHED.proof(tree.consistency(old, new))
    assert [each.hex() for each in path] == CONSISTENCY[old, new]
    assert is_consistent(old, new, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]), path)


def test_sm3_is_the_standards() -> None:
    """The two examples of GB/T 32905, appendix A."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


LARGE = {name: Grown([hashing(b"%d" % at) for at in range(700)], hashing) for name, hashing in HASHINGS.items()}
"""Trees that reach over two levels of kept nodes."""


@settings(deadline=None)
@given(st.sampled_from(sorted(LARGE)), st.integers(1, 700), st.data())
def test_every_proof_holds_and_no_other(name: str, size: int, data: st.DataObject) -> None:
    """A proof verifies for its own leaf, index, sizes and roots, and for no others."""
    grown, hashing = LARGE[name], HASHINGS[name]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root, older = grown.root(size), grown.root(old)
    path = grown.proof(tree.inclusion(index, size))
    assert is_included(grown.leaves[index], index, size, path, root, hashing)
    assert not is_included(grown.leaves[index - 1 if index else 699], index, size, path, root, hashing)
    if size > 1:
        assert not is_included(grown.leaves[index], (index + 1) % size, size, path, root, hashing)
        assert not is_included(grown.leaves[index], index, size, path[1:], root, hashing)
    consistent = grown.proof(tree.consistency(old, size))
    assert is_consistent(old, size, older, root, consistent, hashing)
    if old < size:
        assert not is_consistent(old, size, sha256(older), root, consistent, hashing)
        assert not is_consistent(old, size, older, sha256(root), consistent, hashing)
        assert not is_consistent(old, size, older, root, consistent[1:], hashing)


def test_a_proof_reads_little() -> None:
    """Of a tree with many leaves a proof reads a few runs of at most 128 hashes."""
    parts = tree.inclusion(1_234_567, 50_000_000)
    runs = [tree.below(node) for node in tree.needed(parts)]
    assert len(runs) < 60
    assert sum(count for _, _, count in runs) < 2000


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_no_root_for_what_cannot_be(index: int, size: int) -> None:
    """An index outside of the tree has no proof, whatever the path."""
    assert root_of_inclusion(b"", index, size, []) is None
    assert not is_consistent(3, 2, b"", b"", [])
    assert not is_consistent(0, 2, b"", b"", [])
