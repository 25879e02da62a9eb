"""How a sample is written is told from its bytes."""

import pytest

from adapters.source import load
from adapters.suggest import observe, read_sample
from adapters.suggest.yaml_text import comment, flow, text
from schemas.findings import Rejected


@pytest.mark.parametrize(
    ("name", "content", "body", "charset"),
    [
        ("1.json", '{"案号": "1"}'.encode(), "json", "utf-8"),
        ("1.json", '{"案号": "1"}'.encode("gbk"), "json", "gbk"),
        ("1.txt", b'[{"a": 1}]', "json", "utf-8"),
        ("1.xml", '<?xml version="1.0" encoding="GBK"?><包><案号>1</案号></包>'.encode("gbk"), "xml", "gbk"),
        ("1.xml", "<包><案号>1</案号></包>".encode(), "xml", "utf-8"),
        ("1.csv", "案号\t日期\n1\t2\n".encode("gbk"), "csv", "gbk"),
        (
            "1.xml",
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a><b>1</b></a></s:Body></s:Envelope>',
            "soap",
            "utf-8",
        ),
    ],
)
def test_format_and_charset_are_seen(name: str, content: bytes, body: str, charset: str):
    """By declaration, by how it begins, by what decodes."""
    sample = read_sample(name, content)
    assert (sample.format.body, sample.format.charset) == (body, charset)
    assert sample.tree


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"<a>", b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", b'{"a": 1, "a": 2}', b"\xff\xfe\x00"],
)
def test_what_cannot_be_read_is_refused(content: bytes):
    """As the gateway itself would."""
    with pytest.raises(Rejected):
        read_sample("1.json", content)


def test_words_for_nothing_are_no_values():
    """A slash, 无 and blanks are kept apart, to be written as `none`."""
    [column] = observe([{"a": "/"}, {"a": "无"}, {"a": ""}, {"a": None}, {"a": "x"}]).columns
    assert (column.values, column.none, column.seen, column.filled) == (("x",), ("/", "无"), 5, 1)


def test_one_item_of_a_list_is_a_list_where_others_are():
    """XML gives one child as no list; another sample tells."""
    paths = {one.path for one in observe([{"f": {"n": 1}}, {"f": [{"n": 1}, {"n": 2}]}]).columns}
    assert paths == {"f[].n"}


@pytest.mark.parametrize(
    "value", ["a: b", "# x", "- a", "{a}", "[]", "yes", "null", "01", "1.5", "*a", "&a", "多\n行", "'\"", ""]
)
def test_whatever_text_reads_back(value: str):
    """Quoted where it must be."""
    assert load(f"x: {text(value)}\ny: {flow({'k': value})}\n".encode(), "t.yaml").value == {
        "x": value,
        "y": {"k": value},
    }


def test_a_comment_cannot_break_out():
    """No line ends, no control characters, no end."""
    made = comment("x\nkey: value\u2028\x07" + "y" * 10_000)
    assert "\n" not in made
    assert "\u2028" not in made
    assert len(made) < 400
