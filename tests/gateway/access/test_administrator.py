"""The administrator's token: the setting's, else made once, in a file that only its owner reads."""

from __future__ import annotations

import stat

import pytest

from gateway.access import Administrator, emergency_hash, hash_token, new_token


def test_an_admin_token_is_made_once_in_a_private_file(tmp_path):
    """Beside the ledger, mode 0600; later starts take it from there, and the setting wins over it."""
    file = tmp_path / "hutong.db.admin"
    made = Administrator(None, file).appoint()
    assert (hash_token(file.read_text().strip()), made.file) == (made.digest, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Administrator(None, file).appoint() == made
    given = Administrator("given", file).appoint()
    assert (given.digest, given.file) == (hash_token("given"), None)


def test_a_hash_of_an_earlier_version_goes_on(tmp_path):
    """The token that was shown then opens the gateway as before; the file tells nobody what it is."""
    file, token = tmp_path / "hutong.db.admin", new_token()
    file.write_text(hash_token(token) + "\n")
    kept = Administrator(None, file).appoint()
    assert (kept.digest, kept.file) == (hash_token(token), None)


def test_a_short_token_in_the_file_is_refused(tmp_path):
    """Somebody wrote it there by hand; an empty file is as good as none."""
    file = tmp_path / "hutong.db.admin"
    file.write_text("secret\n")
    with pytest.raises(ValueError, match="fewer than 22 characters"):
        Administrator(None, file).appoint()
    file.write_text("")
    assert Administrator(None, file).appoint().file == file


def test_what_a_crash_left_is_not_taken(tmp_path):
    """A draft that was not renamed, readable by everybody: the token is another one, in a private file."""
    file, draft = tmp_path / "hutong.db.admin", tmp_path / "hutong.db.admin.new"
    draft.write_text(new_token())
    draft.chmod(0o644)
    left = draft.read_text()
    made = Administrator(None, file).appoint()
    assert made.digest != hash_token(left)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_emergency_hash_is_given_or_in_a_private_file(tmp_path):
    """The setting wins; without either there is no such token."""
    file, digest = tmp_path / "emergency", hash_token(new_token())
    file.write_text(digest + "\n")
    file.chmod(0o600)
    assert emergency_hash("", file) == digest
    assert emergency_hash("0" * 64, file) == "0" * 64
    assert emergency_hash("", None) is None


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (hash_token("x"), 0o640, "others than its owner"),
        (hash_token("x"), 0o606, "others than its owner"),
        ("hutong_a-token-and-no-hash", 0o600, "no hash"),
        ("", 0o600, "no hash"),
        (None, 0, "cannot be read"),
    ],
)
def test_an_emergency_file_that_others_reach_is_refused(tmp_path, content, mode, said):
    """Whoever could write it could make himself the administrator; a gateway does not start without it either."""
    file = tmp_path / "emergency"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(ValueError, match=said):
        emergency_hash("", file)
