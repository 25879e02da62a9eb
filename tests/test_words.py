"""One word, one meaning: class names are unique, and ARCHITECTURE.md's glossary explains those of the core."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = ("schemas", "adapters", "gateway")
CORE = ("gateway/ledger/", "gateway/intake/", "gateway/delivery/", "gateway/platforms/", "adapters/base.py")
"""Where every public class must be in the glossary."""

SHARED: frozenset[str] = frozenset()
"""Class names that may stand in two modules: none."""


def public_classes() -> dict[str, list[str]]:
    """Give every public top-level class of the product with the modules that define it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(one for folder in PRODUCT for one in (ROOT / folder).rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(ROOT).as_posix())
    return found


def glossary() -> list[tuple[str, str, list[str]]]:
    """Give the rows of the glossary: the word in English, in Chinese, and the classes that it names in the code."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.split("## Glossary", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    assert rows[0] == ["word", "meaning", "in the code"]
    words = [(*re.fullmatch(r"([A-Za-z -]+) (\S+)", row[0]).groups(), row[2]) for row in rows[2:]]
    return [(english, chinese, re.findall(r"`(\w+)`", code)) for english, chinese, code in words]


def test_no_public_class_name_stands_in_two_modules():
    """A reader who meets a name knows which class is meant."""
    twice = {name: modules for name, modules in public_classes().items() if len(modules) > 1 and name not in SHARED}
    assert not twice, "\n".join(f"{name}: {', '.join(modules)}" for name, modules in sorted(twice.items()))


def test_every_word_of_the_glossary_is_explained_once():
    """In English and in Chinese."""
    rows = glossary()
    counted = Counter(word for english, chinese, _ in rows for word in (english.lower(), chinese))
    assert len(rows) > 10
    assert [word for word, times in counted.items() if times > 1] == []


def test_a_class_belongs_to_one_word():
    """Each class that the glossary names exists, and stands in one row."""
    known = public_classes()
    named = Counter(name for _, _, classes in glossary() for name in classes)
    assert {name for name in named if name not in known} == set(), "named in the glossary, not in the code"
    assert {name for name, times in named.items() if times > 1} == set(), "named in two rows"


def test_no_word_of_the_glossary_names_two_classes():
    """The word written as a class name is at most one class."""
    known = public_classes()
    words = {"".join(part.capitalize() for part in re.split("[ -]", english)) for english, _, _ in glossary()}
    assert {word: known[word] for word in words if len(known.get(word, ())) > 1} == {}


def test_every_public_class_of_the_core_is_in_the_glossary():
    """Whoever changes the core finds in one table what each of its classes is."""
    named = {name for _, _, classes in glossary() for name in classes}
    missing: dict[str, list[str]] = defaultdict(list)
    for name, modules in public_classes().items():
        for module in modules:
            if module.startswith(CORE) and name not in named:
                missing[module].append(name)
    listed = "\n".join(f"{module}: {', '.join(names)}" for module, names in sorted(missing.items()))
    assert not missing, f"in no row of the glossary in ARCHITECTURE.md:\n{listed}"
