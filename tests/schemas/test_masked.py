"""Personal values are hidden by field, by name and by shape, wherever they hide."""

import json
from random import Random

import pytest

from schemas import invented
from schemas.documents.masked import HIDDEN, masked_document, masked_json, masked_reply, masked_text

CITIZEN = invented.citizen_id(Random(7))
PHONE = "13800138000"


@pytest.mark.parametrize(
    "text",
    [
        f"当事人{CITIZEN}到场",
        f"{CITIZEN[:6]} {CITIZEN[6:14]} {CITIZEN[14:]}",
        "".join(chr(ord(one) + 0xFEE0) if one.isdigit() else one for one in CITIZEN),
        f"{CITIZEN[:9]}\u200b{CITIZEN[9:]}",
        f"电话{PHONE}。",
        "138-0013-8000",
        "+86 138 0013 8000",
        "１３８００１３８０００",
        "0571-87654321",
        "护照号码：E12345678",
    ],
)
def test_a_shape_is_found_however_it_is_written(text):
    """With separators, full-width, with characters that nobody sees: the number is not in what is shown."""
    shown = masked_text(text)
    assert "*" in shown
    for secret in (CITIZEN[6:14], "0138000", "87654321", "12345678", "８００１３８"):
        assert secret not in shown.replace("-", "").replace(" ", "").replace("\u200b", "")


@pytest.mark.parametrize("text", ["浙环罚〔2026〕3号", "91330110MA2CXY1R13", "2026-05-06 09:30:00", "20000.5"])
def test_other_numbers_stay(text):
    """Case numbers, credit codes, times, amounts."""
    assert masked_text(text) == text


def test_a_documents_personal_fields_are_hidden_and_the_rest_stays():
    """By the schema's mark, however deep; free text by its shape; the document itself is not touched."""
    document = {
        "case_number": "AJ-1",
        "party": {"name": "某店", "citizen_id": CITIZEN, "phone": PHONE, "address": "云栖路1号"},
        "other_parties": [{"name": "乙", "legal_representative": "赵明远"}],
        "facts": f"现场电话{PHONE}",
    }
    before = json.dumps(document)
    shown = masked_document("case-file/1", document)
    assert shown["case_number"] == "AJ-1"
    assert shown["party"]["name"] == "某店"
    for secret in (CITIZEN, PHONE, "云栖路1号", "赵明远"):
        assert secret not in json.dumps(shown, ensure_ascii=False)
    assert json.dumps(document) == before


def test_a_native_body_hides_names_values_and_shapes():
    """In objects, lists, keys, numbers, escaped letters, and documents inside of texts."""
    body = {
        "DH": "没有电话",
        "n": int(PHONE),
        "f": float(PHONE),
        "list": [{"x": CITIZEN}],
        PHONE: 1,
        "who": "联系人赵明远",
        "inner": json.dumps({"DH": "x", "who": "赵明远"}),
        "xml": "<a>&#36213;</a>",
        "packed": "QUJD" * 80,
        "AH": "浙环案2026001",
    }
    said = masked_json(json.dumps(body).encode(), {"DH"}, {"赵明远"})
    shown = json.loads(said)
    for secret in (PHONE, CITIZEN, "赵明远", "没有电话"):
        assert secret not in said.decode()
    assert (shown["xml"], shown["packed"], shown["AH"]) == (HIDDEN, HIDDEN, "浙环案2026001")


@pytest.mark.parametrize("body", [b"<a/>", b"a,b\n1,2", b"PK\x03\x04", b"", b"{", b"[" * 100_000, b'{"a":1}{', b"\xff"])
def test_what_is_no_json_is_not_shown_in_part(body):
    """None: whoever asks has to unmask it first."""
    assert masked_json(body, set(), set()) is None


def test_a_reply_with_escaped_letters_is_hidden_whole():
    """Nobody looks through `\\u` and `&#`; a plain one is masked where it has to be."""
    assert masked_reply("姓名 \\u8d75", set(), set()) == HIDDEN
    assert masked_reply("<a>&#36213;</a>", set(), set()) == HIDDEN
    assert masked_reply(f"已收 {PHONE} 赵明远", set(), {"赵明远"}) == "已收 1********** 赵**"
