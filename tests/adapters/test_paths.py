"""Native paths: read, rendered, and rejected with the place of the fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.paths import EACH, Path, PathError, parse, render


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("PARTY.USERNAME", ("PARTY", "USERNAME")),
        ("WFXW[]", ("WFXW", EACH)),
        ("data.list[].SXBM", ("data", "list", EACH, "SXBM")),
        ("@id", ("@id",)),
        ("Record.@id", ("Record", "@id")),
        ("ns:Head.ns:Code", ("ns:Head", "ns:Code")),
        ("a['x.y']", ("a", "x.y")),
        ('a["it\'s"].b', ("a", "it's", "b")),
        ("['a b'].c", ("a b", "c")),
        ("建设单位.法人", ("建设单位", "法人")),
        ("行业类别(国民经济代码)", ("行业类别(国民经济代码)",)),
        ("a[]['x.y'][]", ("a", EACH, "x.y", EACH)),
    ],
)
def test_every_form_of_the_grammar_is_read(text: str, steps: tuple[str | None, ...]) -> None:
    """Names, lists, attributes, prefixes, quotes and Chinese keys."""
    assert parse(text).steps == steps
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize(
    ("text", "character"),
    [("", 1), (".a", 1), ("a.", 3), ("a..b", 3), ("a[", 2), ("a[]b", 4), ("a[0]", 2), ("a['x", 2), ("a['']", 2)],
)
def test_a_path_that_cannot_be_read_says_where(text: str, character: int) -> None:
    """The message has the character, the remedy the grammar."""
    with pytest.raises(PathError, match=f"character {character}$") as caught:
        parse(text)
    assert "a[]" in caught.value.remedy.zh


@pytest.mark.parametrize("text", ["a[][]", " a", "a{b}", "a\nb", "x" * 201, ".".join("a" * 17)])
def test_other_paths_are_rejected(text: str) -> None:
    """Lists of lists, braces, blanks around, control characters, and what is too long or too deep."""
    with pytest.raises(PathError):
        parse(text)


@given(
    st.lists(st.text(min_size=1, max_size=8).filter(lambda name: not {"'", '"'} <= set(name)), min_size=1, max_size=6)
)
def test_any_name_can_be_quoted(names: list[str]) -> None:
    """Rendering quotes what needs it, and reading gives the same steps back."""
    assert parse(render(tuple(names))).steps == tuple(names)


def test_a_path_is_seen_from_where_its_list_starts() -> None:
    """Paths of a list's fields are relative to an element."""
    assert str(parse("SXBM").under(parse("WFXW[]"))) == "WFXW[].SXBM"
    assert parse("a[].b").lists == 1
    assert parse("a[]").ends_in_list
    assert Path(("a", "")).under(Path(())).steps == ("a", "")
