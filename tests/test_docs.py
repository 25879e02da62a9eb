"""The documents tell the truth: generated parts are current, links lead somewhere, commands exist."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import reference
import typer

from gateway.cli.main import app
from gateway.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))


def test_the_reference_is_current():
    """Every command, setting, metric and converter stands in docs/reference.md as the code has it."""
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run scripts/reference.py"


def test_the_drawing_of_the_states_is_current():
    """ARCHITECTURE.md draws the states that gateway/message.py has."""
    assert reference.ARCHITECTURE.read_text(encoding="utf-8") == reference.architecture(), "run scripts/reference.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """A relative link in a page names a file that is there."""
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith(("http://", "https://")) or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_exist(page):
    """`hutong …` in a page is a command that the program has."""
    root = typer.main.get_command(app)
    for line in re.findall(r"(?:\.venv/bin/|`)hutong ((?:[a-z]+ ?)+)", page.read_text(encoding="utf-8")):
        command = root
        for word in line.split():
            known = getattr(command, "commands", {})
            if not known:
                break
            assert word in known, f"{page.name}: hutong {line}"
            command = known[word]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_both_readmes_name_every_setting(page):
    """An operator finds every setting in the README of either language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert all(f"{PREFIX}{name.upper()}" in text for name in Settings.model_fields)


def test_the_readme_runs_by_line_thirty():
    """A newcomer meets `make demo` and `make test` before line 30, in either language."""
    for page in ("README.md", "README.zh-CN.md"):
        beginning = "\n".join((ROOT / page).read_text(encoding="utf-8").splitlines()[:30])
        assert "make demo" in beginning
        assert "make test" in beginning


@pytest.mark.parametrize("name", ["", ".admin", ".lock", "-wal", "-shm", "-journal"])
def test_what_a_gateway_leaves_beside_its_ledger_is_never_committed(name):
    """Its bodies are personal, and the file beside it holds the administrator's hash."""
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert any(fnmatch(f"hutong.db{name}", pattern) for pattern in patterns)


def test_every_threat_names_a_test_that_is_there():
    """A row of the threats without a test is a defect, and so is one whose test has another name now."""
    rows = [
        line for line in (ROOT / "docs" / "threats.md").read_text(encoding="utf-8").splitlines() if line[:2] == "| "
    ]
    named = [re.search(r"`(tests/[\w/]+\.py)::(test_\w+)` \|$", row) for row in rows[1:]]
    assert all(named), [row for row, found in zip(rows[1:], named, strict=True) if not found]
    for found in named:
        assert found is not None
        source = (ROOT / found[1]).read_text(encoding="utf-8")
        assert re.search(rf"def {found[2]}\(", source), found[0]
