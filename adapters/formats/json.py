"""JSON bodies: duplicate keys and NaN refused, numbers exact, work bounded before and while the tree is made."""

from __future__ import annotations

import codecs
import re
from decimal import Decimal
from itertools import islice
from typing import Any

import jiter
import orjson

from adapters.base import Tree
from adapters.formats import charsets, rejections
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order
from schemas.budget import STANDARD, Budget
from schemas.measure import measure

_INT64 = 1 << 63

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SIGN = re.compile(rb"[\[{,]")
_EXPONENT = re.compile(rb"[0-9][eE][+-]?([0-9]{3,})")
_DRAWN = bytes.maketrans(b"123456789.E-", b"0000000000e+")
"""Every digit as 0, every exponent as e, every sign as +."""

_NUMBER = re.compile(rb"[0-9][0-9.]*")


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Body:
    """Parse a JSON object or array."""
    charset = charsets.agree(declared.charset, content_type)
    text = body if charset == "utf-8" and _is_utf8(body) else charsets.decode(body, charset).encode("utf-8")
    tree = parse(text, budget)
    if not isinstance(tree, dict | list):
        raise rejections.reject("body.shape", "请求体应为 JSON 对象或数组", "the body must be a JSON object or array")
    return Body(tree)


def _is_utf8(body: bytes) -> bool:
    """Whether the bytes can be parsed as they are: no byte-order mark, and no second copy of a long body."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not body.startswith(codecs.BOM_UTF8)


def parse(text: bytes, budget: Budget = STANDARD, *, strict: bool = True) -> Tree:
    """Parse UTF-8 JSON of any kind within a budget; `strict` refuses duplicate keys and NaN. Raises `Rejected`."""
    brackets = text.count(b"[") + text.count(b"{")
    signs = _bound_nodes(text, brackets, budget)
    _bound_numbers(text, budget)
    try:
        tree = jiter.from_json(text, allow_inf_nan=not strict, catch_duplicate_keys=strict, float_mode="decimal")
    except ValueError as error:
        raise _told(str(error), budget) from None
    # The number of signs bounds everything that is counted: most bodies have so few that no walk is needed.
    if brackets > budget.depth or signs > min(budget.names, budget.items) or len(text) > budget.text:
        measure(tree, budget, texts=len(text) > budget.text)
    return tree


def _bound_nodes(text: bytes, brackets: int, budget: Budget) -> int:
    """Count the brackets and commas before anything is made of them: there is at most one value for each, and one more.

    Those inside texts are counted too, and told apart only when there are too many of them.
    """
    signs = text.count(b",") + brackets
    if signs < budget.nodes:
        return signs
    bare = _without_texts(text)
    at = next(islice(_SIGN.finditer(bare), budget.nodes - 1, None), None)
    if at is not None:
        raise budget.exceeded("nodes", f"byte {at.start() + 1}")
    return signs


def _without_texts(text: bytes) -> bytes:
    """Blank out what stands between quotation marks; everything else stays where it is."""
    return _STRING.sub(lambda found: b'"' + b" " * (found.end() - found.start() - 2) + b'"', text)


def _bound_numbers(text: bytes, budget: Budget) -> None:
    """Refuse numbers whose digits or exponent cost more than they say, as 1E-4000000000 does when it is written out."""
    # A translated copy is searched for fixed bytes, which costs a tenth of a pattern: most bodies end here.
    drawn = text.translate(_DRAWN)
    if not _suspicious(drawn, budget) or not _suspicious(_STRING.sub(b"", drawn), budget):
        return
    bare = _without_texts(text)
    for found in _EXPONENT.finditer(bare):
        if len(said := found[1].lstrip(b"0")) > 9 or int(said or b"0") > budget.exponent:
            raise budget.exceeded("exponent", f"byte {found.start() + 1}")
    for found in _NUMBER.finditer(bare):
        if found.end() - found.start() > budget.digits + 1:
            raise budget.exceeded("digits", f"byte {found.start() + 1}")


def _suspicious(drawn: bytes, budget: Budget) -> bool:
    return b"0e000" in drawn or b"0e+000" in drawn or b"0" * (budget.digits + 1) in drawn


def _told(detail: str, budget: Budget) -> Exception:
    if "duplicate key" in detail:
        return rejections.reject("json.duplicate-key", f"重复的键：{detail}", f"a key is written twice: {detail}")
    if "recursion limit" in detail:
        return budget.exceeded("depth")
    return rejections.syntax("json", detail)


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a tree; decimals keep their digits."""
    content_type = "application/json"
    body = dump(tree)
    if declared.charset != "utf-8":
        body = charsets.encode(body.decode("utf-8"), declared.charset)
        content_type += f"; charset={declared.charset.upper()}"
    return EncodedBody(content_type, body)


def dump(tree: Tree) -> bytes:
    """Write a tree as compact UTF-8 JSON, in the order of its keys."""
    # orjson refuses integers beyond 64 bits; only then is the tree copied with them as raw fragments.
    try:
        return orjson.dumps(tree, default=_number)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise rejections.syntax("json", str(error)) from None
        return orjson.dumps(_with_large_integers(tree), default=_number)


def _number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)


def _with_large_integers(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {key: _with_large_integers(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_with_large_integers(value) for value in tree]
    large = isinstance(tree, int) and not -_INT64 <= tree < _INT64
    return orjson.Fragment(str(tree)) if large else tree


def escape(text: str) -> str:
    """Write a text as the inside of a JSON string."""
    return dump(text).decode("utf-8")[1:-1]


def recognise(name: str, content: bytes) -> Format | None:
    """Tell by the first character: an object or a list."""
    begins = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")
    return Format("json", charsets.guess(content)) if begins else None


def read_reply(declared: Format, text: str, budget: Budget = STANDARD) -> Body:
    """Parse a reply as lenient readers do: of a key written twice the last counts, and NaN is a value.

    A text that holds JSON is what it holds: some servers write their answer twice. Raises `Rejected`.
    """
    tree = parse(text.encode("utf-8", "surrogatepass"), budget, strict=False)
    if isinstance(tree, str) and tree.lstrip()[:1] in ("{", "["):
        tree = parse(tree.encode("utf-8", "surrogatepass"), budget, strict=False)
    if not isinstance(tree, dict | list):
        raise rejections.reject("body.shape", "应答应为 JSON 对象或数组", "the reply must be a JSON object or array")
    return Body(tree)


BODY_FORMAT = BodyFormat(
    name="json",
    read=read,
    write=write,
    media_type="application/json",
    suffixes=("json",),
    recognise=recognise,
    read_answers_as="json",
    escape=escape,
    read_reply=read_reply,
)
