from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gateway.ledger.sql
from gateway.ledger.sql.statements import Prepared, PreparedMany

FEW_ROWS = {
    "adapters._ALL": "a version of an adapter is a row, and all are asked for",
    "ages._GO_ON": "the table has one row",
    "ages._LOOKED_AT": "the table has one row",
    "ages._STATE": "the table has one row",
    "assessing._ALL": "a run over many cases is a row, and all are asked for",
    "assessing._UNFINISHED": "a run over many cases is a row, and operators begin few",
    "assessed._CHANGED": "the first rows of those that wait, by their key",
    "bulk_replays._ALL": "a bulk replay is a row, and all are asked for",
    "approvals._ALL": "a change that waited for a second person is a row, and all are asked for",
    "bulk_replays._UNFINISHED": "a bulk replay is a row, and operators begin few",
    "bundle_keys._ALL": "a key for bundles is a row, and all are asked for",
    "calendar._ALL": "a year is a row, and all are asked for",
    "claims._CHANGES": "the table has one row",
    "claims._FORGET": "a gateway process is a row",
    "claims._LEAVE": "a platform is a row, and a process ends seldom",
    "claims._LIVING": "a gateway process is a row",
    "claims._PROLONG": "a platform is a row, and most are prolonged",
    "claims._STANDING": "a platform is a row, and all are asked for",
    "contacts._ALL": "a row for each operation and message type of a platform, and all are asked for",
    "contacts._REGISTERED": "a platform is a row, and all are asked for",
    "credentials._ALL": "a credential is a row, and all are asked for",
    "counts._COUNTS": "a row for each platform, message type and state, however many deliveries stand there",
    "following._NAMES": "an observer is a row, and all are asked for",
    "engines.sqlite._OWNED": "the table has one row",
    "overlay._HOLDS": "a hold of a platform or of an endpoint is a row, and most have none",
    "people._ALL": "a person is a row, and all are asked for",
    "platforms._ADVANCE": "the table has one row",
    "platforms._AREAS": "a functional area is a row, and all are asked for",
    "platforms._ALL": "a platform is a row, and all are asked for",
    "platforms._CHANGED": "the table has one row",
    "platforms._CHANGES": "the table has one row",
    "platforms._FORGET": "a credential is a row, and platforms are seldom deleted",
    "platforms._REVISION": "the table has one row",
    "proving._KEYS": "a key that was ever signed with is a row, and all are asked for",
    "proving._SUBJECT_WAITS": "leaves wait for their place for a few seconds",
    "proving._WAITS": "leaves wait for their place for a few seconds",
    "receipts._FORGET_OLD": "a chunk of a large package is a row while the package is under way",
    "registrations._AT": "a change of a platform or an area is a row",
    "sequencing._GROWN": "the table has one row",
    "sequencing._STATE": "the table has one row",
    "sequencing._TAKEN": "the first rows of those that wait, by their key",
    "store._CHECKED": "the table has one row",
    "use._REACHED": "a row for each table that use is counted of",
    "unwanted._ALL": "a declaration is a row, and all are asked for",
    "unrouted._REGISTERED": "a platform is a row, and all are asked for",
    "verifying._REVISION": "the table has one row",
}
"""Statements that walk through a table, and why they may."""

SORTED = {
    "adapters._ALL": "the versions of one name",
    "counts._FOLLOWERS": "the deliveries behind a dead one are put in a few groups when it dies or is replayed",
    "overlay._HOLDS": "a few holds",
    "reading._DUE": "what is due is found by time and sent by position: positions alone are sorted, from the index",
    "unrouted._ITS_ALREADY": "the platforms and messages asked for, each once",
}
"""Statements that sort what they find, and what that is."""

SMALL = {
    "adapters",
    "approvals",
    "areas",
    "assessment_runs",
    "bundle_keys",
    "calendar",
    "changed_grounds",
    "claims",
    "contacts",
    "counted",
    "counts",
    "credentials",
    "followed",
    "holds",
    "ledger",
    "new_leaves",
    "packages",
    "people",
    "platforms",
    "processes",
    "registrations",
    "replays",
    "retention",
    "signing_keys",
    "tree",
    "unwanted",
}
"""The tables that may be walked through."""


def prepared() -> Iterator[tuple[str, str]]:
    """Every statement that a module of the ledger prepares, by module and name."""
    for found in pkgutil.walk_packages(gateway.ledger.sql.__path__, "gateway.ledger.sql."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if isinstance(value, Prepared | PreparedMany):
                yield f"{found.name.removeprefix('gateway.ledger.sql.')}.{name}", value.sql


STATEMENTS = dict(prepared())


@pytest.fixture(scope="module")
def database(
    ledger_at: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sqlite3.Connection]:
    """An empty ledger's tables: with no rows in them SQLite plans by its indexes alone."""
    path = tmp_path_factory.mktemp("plans") / "ledger.db"
    ledger_at(path)
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def steps(database: sqlite3.Connection, statement: str) -> list[str]:
    """How SQLite runs a statement."""
    explained = database.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?"))
    return [row[3] for row in explained]


def walked(steps: list[str]) -> set[str]:
    """The tables that are walked through: not the rows of parameters, which stand in the statement itself."""
    scans = [step.split() for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    return {words[1] for words in scans} - {"CONSTANT", "wanted"}


def is_sorted(steps: list[str]) -> bool:
    """Whether rows are sorted, or grouped, without an index."""
    return any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_every_statement_uses_an_index(database: sqlite3.Connection, name: str) -> None:
    """No statement walks through a table or sorts what it finds, but for those that are listed with their reason."""
    plan = steps(database, STATEMENTS[name])
    assert walked(plan) <= (SMALL if name in FEW_ROWS else set()), plan
    assert not is_sorted(plan) or name in SORTED, plan


def test_reasons_are_needed(database: sqlite3.Connection) -> None:
    """A statement that needs no reason any more has none."""
    plans = {name: steps(database, statement) for name, statement in STATEMENTS.items()}
    assert {name for name, plan in plans.items() if walked(plan)} == set(FEW_ROWS)
    assert {name for name, plan in plans.items() if is_sorted(plan)} == set(SORTED)


def test_all_statements_are_found() -> None:
    """The statements of every module that speaks to the database are looked at."""
    assert len(STATEMENTS) > 100
    assert {"accepting", "attempts", "lanes", "platforms", "reading"} <= {name.split(".")[0] for name in STATEMENTS}
