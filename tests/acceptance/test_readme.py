"""What the README tells a newcomer to type works, line by line, in either language."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.processes import Served, free_port, gateway

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
HUTONG = f"{sys.executable} -m gateway.cli.main"
TOKEN = "readme-admin-token-0123456789abcdef"


def blocks(page: str) -> list[list[str]]:
    """Give the commands of each fenced block, continued lines joined, comments dropped."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [[line.split("  #")[0].strip() for line in block.splitlines() if line.strip()] for block in found]


def run(line: str, **environment: str) -> str:
    """Run one line in the repository's root; give what it printed."""
    command = line.replace(".venv/bin/hutong", HUTONG)
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("page", READMES)
def test_the_adapter_commands_work(page):
    """Listing, checking, translating and explaining a bundle each end well."""
    block = next(block for block in blocks(page) if "adapter list" in block[0])
    assert len(block) == 4
    for line in block:
        assert run(line)


@pytest.mark.parametrize("page", READMES)
def test_a_first_document_is_sent_as_the_readme_says(page, tmp_path):
    """Gateway, double, platforms, credential, document, list: the lines in their order."""
    block = next(block for block in blocks(page) if block[0] == "make serve")
    gate, double = gateway(tmp_path, admin_token=TOKEN), free_port()
    served = [gate]
    spoken = {"HUTONG_URL": gate.url, "HUTONG_ADMIN_TOKEN": TOKEN}
    credential = ""
    try:
        gate.start()
        gate.wait_until_serving()
        for line in block[2:]:
            typed = line.replace("http://127.0.0.1:8080", gate.url).replace("9001", str(double))
            typed = typed.replace("CREDENTIAL", credential).replace("凭证", credential)
            if typed.endswith("&"):
                command = typed.removesuffix("&").replace(".venv/bin/hutong", HUTONG).split()
                served.append(Served(command, double, "/_double/received", tmp_path / "double.log"))
                served[-1].start()
                served[-1].wait_until_serving()
                continue
            said = run(typed, **spoken)
            if "platform credentials" in line:
                credential = re.search(r"hutong_\S+", said).group()
        assert "case.progressed" in said
    finally:
        for one in served:
            one.kill()
