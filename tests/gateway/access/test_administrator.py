"""The administrator's token: the setting's, else made once, and only its hash kept."""

from __future__ import annotations

import stat

from gateway.access import Administrator, hash_token


def test_an_admin_token_is_made_once_and_only_its_hash_is_kept(tmp_path):
    """In a file beside the ledger that nobody else reads; the setting wins over it."""
    file = tmp_path / "hutong.db.admin"
    digest, token = Administrator(file=file).appoint()
    assert hash_token(token) == digest
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Administrator(file=file).appoint() == (digest, None)
    assert Administrator("given", file).appoint() == (hash_token("given"), None)


def test_without_a_file_each_start_makes_a_token():
    """A ledger that forgets forgets its administrator too."""
    assert Administrator().appoint() != Administrator().appoint()
