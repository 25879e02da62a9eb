"""Throw changed seeds at a parser for some minutes: whatever is not a promised refusal, or takes too long, is told.

    python tests/fuzz/fuzz.py [--seconds 600] [PARSER …]

Each parser runs in a process of its own with bounded memory. Hypothesis chooses the changes, and makes the
input that failed as small as it can before it is shown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from parsers import BODY, PARSERS, Parser

SECONDS = 600
SLOW = 2.0
"""Processor seconds that one input may take."""

MEMORY = 3 * 1024 * 1024 * 1024
A_ROUND = 200
"""Inputs that are tried with one choice of the generator."""

TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"<", b">", b"</", b"/>", b"<!DOCTYPE a [", b"<!ENTITY", b"]]>"),
    *(
        b"<![CDATA[",
        b"<!--",
        b"-->",
        b"&#0;",
        b"&lt;",
        b' xmlns="u"',
        b' xmlns:a="b"',
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ),
    *(
        b"1E-4000000000",
        b"9" * 200,
        b"NaN",
        b"true",
        b"null",
        b"a*a*a*a*b",
        b"(a|a)*",
        b"$ref",
        b"oneOf",
        b"- ",
        b"? ",
        b"&a ",
        b"*a",
    ),
    *(b"\r\n", b"\t", b"'", b"%41", b"&", b"=", b"..", b"{{", b"{record}", "环".encode(), "环".encode("gbk")),
)


def changed(random: Random, seeds: tuple[bytes, ...]) -> bytes:
    """Cut, repeat, swap and sprinkle a seed."""
    body = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, 8)):
        at, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
        kind = random.randrange(6)
        if kind == 0:
            body[at:at] = random.choice(TOKENS) * random.choice((1, 1, 1, 3, 50, 2_000))
        elif kind == 1:
            del body[at : min(end, at + 200)]
        elif kind == 2:
            body[at:at] = body[at : min(end, at + 400)] * random.choice((1, 2, 20, 300))
        elif kind == 3 and at < len(body):
            body[at] = random.randrange(256)
        elif kind == 4:
            other = random.choice(seeds)
            start = random.randrange(len(other) + 1)
            body[at:end] = other[start : start + random.randint(1, 400)]
        else:
            body[at : at + 4] = str(random.choice((0, -1, 2**31, 2**64, 10**300))).encode()
        del body[BODY:]
    return bytes(body)


def run(name: str, seconds: float) -> int:
    """Try a parser for so long, and give how many inputs it had; raises what a parser must not."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    parser: Parser = PARSERS[name]()
    seeds = tuple(parser.seeds)
    tried = 0

    @given(st.randoms(use_true_random=False))
    @settings(
        max_examples=A_ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    def one_round(random: Random) -> None:
        nonlocal tried
        tried += 1
        body = changed(random, seeds)
        started = time.process_time()
        try:
            parser.read(body)
        except BaseException:
            print(f"\n{name}: {body[:2_000]!r}", flush=True)
            raise
        took = time.process_time() - started
        assert took < SLOW, f"{name}: {took:.1f} s for {len(body)} bytes: {body[:2_000]!r}"

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        one_round()
    return tried


def _child(name: str, seconds: float) -> None:
    print(f"{name}: {run(name, seconds)} inputs in {seconds:.0f} s, none failed", flush=True)


def main() -> int:
    """Run each parser that is named, or all; 1 when one of them failed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=SECONDS, help="how long each parser is tried")
    arguments.add_argument("parsers", nargs="*", default=list(PARSERS), metavar="PARSER", help=", ".join(PARSERS))
    said = arguments.parse_args()
    failed = []
    for name in said.parsers:
        child = multiprocessing.get_context("spawn").Process(target=_child, args=(name, said.seconds))
        child.start()
        child.join()
        if child.exitcode:
            failed.append(name)
            print(f"{name}: FAILED ({child.exitcode})", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
