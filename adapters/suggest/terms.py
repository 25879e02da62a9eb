"""What the fields of a document are called: Chinese terms from titles, statutes and standards, and English phrases."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from types import ModuleType

from schemas import documents

NO_FIELD = "-"
"""The target of a name that is known, and that the document has no field for."""

_ANYWHERE = "*"
"""The target, while words are gathered, of what is no field unless a document says otherwise."""

GENERIC = frozenset(
    {"名称", "姓名", "全称", "代码", "编码", "编号", "类型", "类别", "性质"}
    | {"证号", "名单", "地点", "位置", "格式", "摘要", "路径", "状态", "事实"}
)
"""Words that say something only beside, or inside, what they belong to."""

_IGNORED = re.compile(r"[\s()（）\[\]【】《》、，,.。·:：_/\\\-—“”\"'的]+")
_UNIT = re.compile(r"[(（\[【]\s*(单位[:：])?(万元|元|吨|米|平方米|亩|%|mg/L)\s*[)）\]】]")
_PLACES = ("地点", "场所", "厂址", "厂区", "地址")


@dataclass(frozen=True, slots=True)
class Term:
    """One way to call a field: `target` is its canonical path, `weight` how much the word alone says."""

    target: str
    text: str
    weight: float = 1.0


Index = Mapping[str, tuple[Term, ...]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms of a document, by normalised Chinese, pinyin initials, full pinyin and English words."""

    chinese: Index
    initials: Index
    pinyin: Index
    english: Index
    containers: Mapping[str, tuple[str, ...]]


@cache
def vocabulary(document: str, inside: str = "") -> Vocabulary:
    """The words of a document such as `permit/1`; `inside`: those of one of its objects, where generic words count."""
    known = documents.fields(document)
    terms = list(_unique(_terms(document, inside)))
    chinese = [term for term in terms if not term.text.isascii()]
    english = [term for term in terms if term.text.isascii()]
    spelled = [(term, variant) for term in chinese for variant in variants(term.text)]
    return Vocabulary(
        chinese=_index((normalised(term.text), term) for term in chinese),
        initials=_index((initials(variant), term) for term, variant in spelled),
        pinyin=_index((pinyin(variant), term) for term, variant in spelled),
        english=_index((" ".join(words(term.text)), term) for term in english),
        containers=_containers(document, known),
    )


def normalised(text: str) -> str:
    """A Chinese name without units, brackets and punctuation; time and date, number and code words made one."""
    plain = _IGNORED.sub("", _UNIT.sub("", unicodedata.normalize("NFKC", text)))
    for word, one in (("时间", "日期"), ("编码", "代码"), ("号码", "号"), ("编号", "号")):
        plain = plain.replace(word, one)
    return plain


def variants(text: str) -> tuple[str, ...]:
    """The ways one term is written: 日期 or 时间, 编号 or 号."""
    found = [text, text.replace("日期", "时间"), text.replace("代码", "编码")]
    if text.endswith("编号"):
        found.append(f"{text[:-2]}号")
    elif text.endswith(("号", "号码")) and not text.endswith(("文号", "证号")):
        found.append(f"{text.removesuffix('码')[:-1]}编号")
    return tuple(dict.fromkeys(found))


@cache
def initials(text: str) -> str:
    """The first letters of the pinyin: `tyshxydm`."""
    known = _pypinyin()
    return "".join(known.lazy_pinyin(_IGNORED.sub("", text), style=known.Style.FIRST_LETTER)).lower()


@cache
def pinyin(text: str) -> str:
    """The whole pinyin without tones: `qiyemingcheng`."""
    return "".join(_pypinyin().lazy_pinyin(_IGNORED.sub("", text))).lower()


@cache
def _pypinyin() -> ModuleType:
    """Load the dictionaries when a draft first needs them: 55 MB that a running gateway never does."""
    return import_module("pypinyin")


@cache
def synonyms() -> Mapping[str, str]:
    """English words that mean one: `punish` → `penalty`."""
    return {other: row[0] for row in _rows("english") for other in (row[0], *row[1].split())}


def words(phrase: str) -> tuple[str, ...]:
    """The words of an English phrase, each as its synonyms' representative; articles and prepositions dropped."""
    return tuple(_one(word) for word in phrase.lower().split() if word not in ("of", "the", "by", "is"))


def _one(word: str) -> str:
    """The word that stands for a word, and for its plural."""
    known = synonyms()
    single = word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    return known.get(word) or known.get(single) or single


@cache
def english_words() -> frozenset[str]:
    """Every English word of every term, to take names like PUNISHDECIDETIME apart."""
    found = set(synonyms())
    found |= {word for row in _rows("containers") for word in row[5].replace("|", " ").split()}
    for name in documents.NAMES:
        found |= {word for term in _terms(name, "") if term.text.isascii() for word in term.text.lower().split()}
    return frozenset(form for word in found for form in (word, f"{word}s") if len(word) > 1)


def _index(pairs: Iterator[tuple[str, Term]] | Sequence[tuple[str, Term]]) -> Index:
    found: dict[str, dict[Term, None]] = defaultdict(dict)
    for key, term in pairs:
        if key:
            found[key][term] = None
    return {key: tuple(terms) for key, terms in found.items()}


def _unique(terms: Iterator[Term]) -> Iterator[Term]:
    """Drop a word for no field of any document where this document has a field called so."""
    found = list(dict.fromkeys(terms))
    taken = {_key(term) for term in found if term.target not in (NO_FIELD, _ANYWHERE)}
    for term in found:
        if term.target != _ANYWHERE:
            yield term
        elif _key(term) not in taken:
            yield Term(NO_FIELD, term.text, term.weight)


def _key(term: Term) -> str:
    return " ".join(words(term.text)) if term.text.isascii() else normalised(term.text)


def _terms(document: str, inside: str) -> Iterator[Term]:
    name = document.partition("/")[0]
    for term in (*_titles(document), *_composed(document, name, inside), *_listed(document, name)):
        if not inside or term.target in (NO_FIELD, _ANYWHERE) or term.target.startswith(inside):
            yield term
    if inside:
        yield from _inner(document, inside)


def _titles(document: str) -> Iterator[Term]:
    roles = {row[1] for row in _rows("containers") if row[2] != "thing"}
    for path, field in documents.fields(document).items():
        container = path.rpartition(".")[0].removesuffix(".location")
        if container not in roles:
            yield Term(path, field.title)
        yield Term(path, path.replace("[]", "").replace("_", " ").replace(".", " "))


def _composed(document: str, name: str, inside: str) -> Iterator[Term]:
    known = documents.fields(document)
    for owner, container, role, main, titles, phrases, _ in _rows("containers"):
        if owner != name:
            continue
        for leaf_role, leaf, bare, leaf_terms, leaf_phrases, _ in _rows("leaves"):
            target = f"{container}.{leaf}"
            if leaf_role == role and target in known:
                yield from _chinese(target, role, main, bare, titles.split(), leaf_terms.split())
                yield from _english(target, main, bare, phrases.split("|"), leaf_phrases.split("|"))


def _chinese(
    target: str, role: str, main: str, bare: str, titles: Sequence[str], leaves: Sequence[str]
) -> Iterator[Term]:
    for title in titles:
        yield from (Term(target, _joined(title, leaf)) for leaf in leaves)
        if role == "place" and main:
            yield from (Term("region", title + word) for word in ("行政区划", "行政区划代码", "区划代码"))
        if bare == "yes" and (role != "place" or title.endswith(_PLACES)):
            yield Term(target, title)
    if main:
        for leaf in leaves:
            if leaf not in GENERIC and (bare == "main" or leaf in ("单位名称", "企业名称")):
                yield Term(target, leaf, 1.0 if len(leaf) > 2 else 0.95)


def _english(target: str, main: str, bare: str, titles: Sequence[str], leaves: Sequence[str]) -> Iterator[Term]:
    for title in titles:
        yield from (Term(target, f"{title} {leaf}") for leaf in leaves if leaf and title)
        if bare == "yes" and title:
            yield Term(target, title)
    if main and bare == "main":
        yield from (Term(target, leaf) for leaf in leaves if leaf)


def _inner(document: str, inside: str) -> Iterator[Term]:
    """Inside an object of its own a leaf goes by its plain name."""
    known = documents.fields(document)
    name = document.partition("/")[0]
    role = next((row[2] for row in _rows("containers") if (row[0], row[1]) == (name, inside.rstrip("."))), "")
    for leaf_role, leaf, _, leaf_terms, leaf_phrases, _ in _rows("leaves"):
        if leaf_role == role and f"{inside}{leaf}" in known:
            phrases = [phrase for phrase in leaf_phrases.split("|") if phrase]
            texts = (*leaf_terms.split(), *phrases, *(f"user {phrase}" for phrase in phrases))
            yield from (Term(f"{inside}{leaf}", text) for text in texts)


def _joined(title: str, leaf: str) -> str:
    """建设单位 + 单位名称 = 建设单位名称."""
    for length in range(min(len(title), len(leaf)), 0, -1):
        if title.endswith(leaf[:length]):
            return title + leaf[length:]
    return title + leaf


def _listed(document: str, name: str) -> Iterator[Term]:
    known = documents.fields(document)
    for owners, target, titles, phrases, _ in _rows("fields"):
        if owners != "*" and name not in owners.split():
            continue
        if target == NO_FIELD or all(part in known for part in target.split(", ")):
            meant = _ANYWHERE if (owners, target) == ("*", NO_FIELD) else target
            yield from (Term(meant, text) for text in (*titles.split(), *phrases.split("|")) if text)


def _containers(document: str, known: Mapping[str, object]) -> Mapping[str, tuple[str, ...]]:
    name = document.partition("/")[0]
    found: dict[str, tuple[str, ...]] = {}
    for owner, container, _, _, titles, phrases, _ in _rows("containers"):
        if owner == name:
            found[container] = (*titles.split(), *phrases.split("|"))
    return found


@cache
def _rows(name: str) -> tuple[tuple[str, ...], ...]:
    file = resources.files("adapters.suggest") / "words" / f"{name}.csv"
    with file.open(encoding="utf-8") as lines:
        return tuple(tuple(row) for row in list(csv.reader(lines))[1:] if row)
