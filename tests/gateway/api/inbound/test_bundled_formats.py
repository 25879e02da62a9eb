"""Every bundled operation survives whatever is done to its samples: it is accepted or rejected, and nothing fails."""

import copy
import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from adapters import bundled

ROUNDS = 25
JUNK = (
    *(None, "", 0, -1, 1.5, True, [], {}, [None], [[]], {"a": 1}),
    *("无", "/", "　", "，，、;", "〔〕", "０１２", "NaN", "1e400", "-0", "\u0000", "\ud7ff", "x" * 300, "9" * 40),
    *("2026-02-30", "2026-02-30 25:61:61", "91130110MA2CXY1R13"),
)
PIECES = (b"<a/>", b"&x;", b"\xff", b"\x00", b"]]>", b'"', b"{", b"<!--", b"<![CDATA[", b"<?x?>", b"&#x1;", b"&#0;")


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the way to every value of a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [way for key, value in items for way in ((*path, key), *leaves(value, (*path, key)))]


def spoilt_tree(tree: Any, random: Random) -> bytes:
    """Take away, replace or add a value somewhere."""
    spoilt = copy.deepcopy(tree)
    *way, last = random.choice(leaves(spoilt))
    parent = spoilt
    for key in way:
        parent = parent[key]
    if random.random() < 0.2:
        del parent[last]
    elif random.random() < 0.1 and isinstance(parent, dict):
        parent[random.choice(("EXTRA", "a.b", "@x", "#text", ""))] = random.choice(JUNK)
    else:
        parent[last] = copy.deepcopy(random.choice(JUNK))
    return json.dumps(spoilt, ensure_ascii=False).encode("utf-8", "surrogatepass")


def spoilt_bytes(body: bytes, random: Random) -> bytes:
    """Cut off, cut out, put in or change some bytes."""
    at = random.randrange(len(body))
    return random.choice(
        (
            body[:at],
            body[:at] + body[at + random.randrange(1, 9) :],
            body[:at] + random.choice(PIECES) + body[at:],
            body[:at] + bytes([random.randrange(256)]) + body[at + 1 :],
        )
    )


@pytest.mark.parametrize("name", [name for name in bundled() if name not in ("canonical", "credit-publicity")])
async def test_spoilt_samples_never_fail_the_gateway(caller, installed, name):
    """A spoilt document is accepted with what is left of it, or rejected with a 4xx, and the gateway goes on."""
    adapter = installed.get(name)
    texts = {one: "x" for one, setting in adapter.settings.items() if setting.type in ("secret", "text")}
    platform = f"{adapter.kind}.000000"
    await caller.register(platform, name, **texts)
    random, seen = Random(name), Counter[int]()
    for operation in adapter.receives:
        for file in [
            one for one in adapter.bundle.files if one.startswith(f"samples/{operation}/") and ".native." in one
        ]:
            body = adapter.bundle.files[file]
            first = await caller.send(platform, operation, body)
            assert first.status_code in (202, 422), first.text
            for _ in range(ROUNDS):
                as_tree = file.endswith(".json") and random.random() < 0.7
                spoilt = spoilt_tree(json.loads(body), random) if as_tree else spoilt_bytes(body, random)
                response = await caller.send(platform, operation, spoilt)
                assert response.status_code < 500, spoilt
                seen[response.status_code] += 1
    assert seen[422] > 0
    assert seen[202] > 0
