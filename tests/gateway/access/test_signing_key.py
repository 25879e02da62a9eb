"""The signing key: made once, in a file that only its owner reads."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.access import signing_key


def test_a_key_is_made_once_in_a_private_file(tmp_path: Path) -> None:
    """Later starts take it from there; an empty file is as good as none."""
    file = tmp_path / "hutong.db.signing-key"
    made = signing_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert signing_key(file).id == made.id
    file.write_text("")
    assert signing_key(file).id != made.id


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    """And stays as it is: it may be somebody's."""
    file = tmp_path / "hutong.db.signing-key"
    file.write_text("secret\n")
    with pytest.raises(ValueError, match="no signing key"):
        signing_key(file)
    assert file.read_text() == "secret\n"


def test_a_key_of_sm2(tmp_path: Path) -> None:
    """Made where the setting says so; a file with a key of the other algorithm is not taken for one."""
    file = tmp_path / "hutong.signing-key"
    made = signing_key(file, "sm2")
    assert signing_key(file, "sm2").public == made.public
    assert made.algorithm == "sm2"
    with pytest.raises(ValueError, match="a key of sm2, not ed25519"):
        signing_key(file)
