"""Files are uploaded from the command line."""

import hashlib


def test_a_file_is_uploaded(remote, tmp_path):
    """Its id, digest and size are told, as a document states them."""
    add = ("platform", "add", "penalty.330100", "--adapter", "canonical", "--set", "token=t")
    assert remote(*add, "--set", "base_url=http://127.0.0.1:9").code == 0
    credential = remote("platform", "credentials", "penalty.330100", "--json").json["credential"]
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8" * 700_000)
    sent = remote("attachment", "send", str(photo), "--token", credential, "--json")
    assert sent.code == 0, sent.err
    assert sent.json["size"] == 1_400_000
    assert sent.json["digest"] == f"sha256:{hashlib.sha256(photo.read_bytes()).hexdigest()}"
    assert sent.json["upload_id"]


def test_what_cannot_be_uploaded_says_why(remote, tmp_path):
    """Without a credential it is a misuse; a file that is not there, and a credential that is none, are failures."""
    assert remote("attachment", "send", str(tmp_path / "x.jpg"), "--token", "").code == 2
    missing = remote("attachment", "send", str(tmp_path / "x.jpg"), "--token", "x")
    assert (missing.code, "cannot be read" in missing.err) == (1, True)
    (tmp_path / "x.jpg").write_bytes(b"x")
    assert remote("attachment", "send", str(tmp_path / "x.jpg"), "--token", "x").code == 1
