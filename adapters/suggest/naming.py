"""What a column's name may mean in the words of a document: Chinese, pinyin initials, full pinyin, English."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from msgspec import Struct

from adapters.suggest import terms
from adapters.suggest.terms import Index, Term, Vocabulary

MAX_NAME = 80

_INITIALS = {2: 0.6, 3: 0.84, 4: 0.9, 5: 0.93}
_LONG = 0.95
_CHINESE, _PINYIN, _ENGLISH, _WORD = 0.97, 0.95, 0.93, 0.84
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_STRIPPED = 0.04
_HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


class Match(Struct, frozen=True):
    """A field that a name may mean (`-`: none of the document's), how far the name alone says so, and why."""

    target: str
    score: float
    reason: str


def matches(
    name: str, vocabulary: Vocabulary, prefixes: frozenset[str] = frozenset(), *, inside: bool = False
) -> tuple[Match, ...]:
    """Give the meanings of a name, best first, one a target.

    `prefixes` are words that stand before many names. `inside`: the words are those of one object,
    where a single English word says enough.
    """
    plain = name[:MAX_NAME].strip().lstrip("@").rpartition(":")[2].strip("_ ")
    best: dict[str, Match] = {}
    for match in _all(plain, vocabulary, prefixes, _ENGLISH if inside else _WORD):
        if match.target not in best or match.score > best[match.target].score:
            best[match.target] = match
    return tuple(sorted(best.values(), key=lambda match: (-match.score, match.target)))


def _all(name: str, vocabulary: Vocabulary, prefixes: frozenset[str], word: float) -> Iterator[Match]:
    if not name:
        return
    if not name.isascii():
        yield from _chinese(name, vocabulary)
        return
    for spelling, penalty in _spellings(name, prefixes):
        letters = re.sub(r"[^a-z]", "", spelling.lower())
        yield from _letters(letters, vocabulary, penalty)
        for split in _splits(spelling):
            yield from _english(split, vocabulary.english, penalty, word)


def _chinese(name: str, vocabulary: Vocabulary) -> Iterator[Match]:
    plain = terms.normalised(name)
    for term in vocabulary.chinese.get(plain, ()):
        yield Match(term.target, _CHINESE * term.weight, f"列名 = {term.text}")
    bare = terms.normalised(_BRACKETS.sub("", name))
    for term in vocabulary.chinese.get(bare, ()) if bare != plain else ():
        yield Match(term.target, _CHINESE * term.weight - _STRIPPED, f"列名去掉括号 = {term.text}")
    for key, found in vocabulary.chinese.items():
        share = _share(plain, key)
        if share >= 0.5 and key != plain:
            yield from (Match(term.target, 0.45 + 0.35 * share, f"列名近似 {term.text}") for term in found)


def _share(one: str, other: str) -> float:
    """How much of the longer name the shorter makes up, 0 when it does not lie in it."""
    short, long = sorted((one, other), key=len)
    return len(short) / len(long) if len(short) > 1 and short in long else 0.0


def _letters(letters: str, vocabulary: Vocabulary, penalty: float) -> Iterator[Match]:
    if len(letters) < 2:
        return
    score = _INITIALS.get(len(letters), _LONG)
    for term in vocabulary.initials.get(letters, ()):
        yield Match(term.target, (score - penalty) * term.weight, f"拼音首字母 {letters.upper()} = {term.text}")
    for term in vocabulary.pinyin.get(letters, ()):
        yield Match(term.target, (_PINYIN - penalty) * term.weight, f"拼音 = {term.text}")


def _english(found: tuple[str, ...], index: Index, penalty: float, word: float) -> Iterator[Match]:
    phrase = " ".join(found)
    score = _ENGLISH if len(found) > 1 else word
    for term in index.get(phrase, ()):
        yield Match(term.target, (score - penalty) * term.weight, f"英文 {phrase} = {term.text}")


def _spellings(name: str, prefixes: frozenset[str]) -> Iterator[tuple[str, float]]:
    """The name, and the name without the words that stand before many names of the table."""
    yield name, 0.0
    head, _, rest = name.partition("_")
    if rest and (head.lower() in prefixes or len(head) == 1):
        yield from ((spelling, penalty + _STRIPPED) for spelling, penalty in _spellings(rest, prefixes))


@lru_cache(maxsize=4096)
def _splits(name: str) -> tuple[tuple[str, ...], ...]:
    """The English words of a name: split at capitals and underscores, the rest by known words."""
    pieces = [piece.lower() for piece in _HUMPS.findall(name) if not piece.isdigit()]
    taken = [words for piece in pieces if (words := _segment(piece))]
    if not pieces or len(taken) != len(pieces):
        return ()
    return (terms.words(" ".join(word for some in taken for word in some)),)


def _segment(letters: str) -> tuple[str, ...]:
    """Take letters apart into known English words, the fewest; empty when they are not made of them."""
    known = terms.english_words()
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(1, len(letters) + 1):
        options = [
            (*best[start], letters[start:end])
            for start in range(max(0, end - 20), end)
            if start in best and letters[start:end] in known
        ]
        if options:
            best[end] = min(options, key=len)
    return best.get(len(letters), ())


@cache
def _names_of(document: str) -> Mapping[str, frozenset[str]]:
    """Every way to spell the objects of a document, by object."""
    found = {}
    for container, texts in terms.vocabulary(document).containers.items():
        chinese = [text for text in texts if not text.isascii()]
        english = [" ".join(terms.words(text)) for text in texts if text.isascii() and text]
        spelled = [spell(text) for text in chinese for spell in (terms.initials, terms.pinyin, terms.normalised)]
        found[container] = frozenset((*spelled, *english))
    return found


def container(names: tuple[str, ...], document: str) -> str | None:
    """The object of a document that one of the names around a column means, the innermost first."""
    for name in reversed(names):
        if found := _container(name, document):
            return found
    return None


def _container(name: str, document: str) -> str | None:
    plain = name.strip().rpartition(":")[2].strip("_ ")
    keys = {plain.lower(), terms.normalised(plain), *(" ".join(split) for split in _splits(plain))}
    keys |= {
        key.removesuffix(end)
        for key in tuple(keys)
        for end in ("lb", "list", "列表", " list", "s")
        if key.endswith(end)
    }
    hits = [one for one, spelled in _names_of(document).items() if keys & spelled]
    return hits[0] if len(hits) == 1 else None


def table_prefixes(names: list[str]) -> frozenset[str]:
    """The first words, up to an underscore, that at least three columns and a third of all share."""
    heads: dict[str, int] = {}
    for name in names:
        parts = name.strip("_").lower().split("_")
        for head in parts[:-1]:
            heads[head] = heads.get(head, 0) + 1
    return frozenset(head for head, count in heads.items() if count >= 3 and count * 3 >= len(names))


__all__ = ["Match", "Term", "container", "matches", "table_prefixes"]
