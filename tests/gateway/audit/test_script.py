"""The script inside a bundle is its modules, whole: no name of one is another's, and none of the gateway's is left."""

from __future__ import annotations

import ast
from collections import Counter

from gateway.audit.script import script


def test_no_name_is_given_twice() -> None:
    """A second one would silently take the first one's place."""
    given: Counter[str] = Counter()
    for statement in ast.parse(script()).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            given[statement.name] += 1
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            given.update(target.id for target in targets if isinstance(target, ast.Name))
    assert [name for name, times in given.items() if times > 1] == []


def test_nothing_of_the_gateway_is_imported() -> None:
    """It runs where no gateway is installed."""
    imported = [node.module or "" for node in ast.walk(ast.parse(script())) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name.startswith(("gateway", "schemas", "adapters"))]
