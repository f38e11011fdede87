"""What stands in SQL and in Python says the same, and each table has one writing room."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from bilag.exports.states import OPEN, STATES, allowed
from tests.repo.project import room, sources, text, tree

EXPORTS = Path("src/bilag/exports/schema/0001_exports.sql")
CREATED = re.compile(r"^CREATE (?:UNLOGGED )?TABLE (\w+)(?! PARTITION OF)\b", re.MULTILINE)
WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|COPY)\s+(\w+)")

# (table, writing room): why it is not the room that made the table.
OTHER_WRITERS = {
    ("instance", "exports"): "begin_epoch starts an epoch together with what it means for exports",
}


def test_the_database_refuses_every_transition_that_is_not_in_the_table() -> None:
    (listed,) = re.findall(r"<> ALL \(\s*'\{([^}]*)\}'::text\[\]", text(EXPORTS))
    pairs = [tuple(pair.split(">")) for pair in listed.split(",")]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == allowed()


def test_the_database_knows_the_same_states() -> None:
    (listed,) = re.findall(r"state text NOT NULL CHECK \(state IN \(([^)]*)\)\)", text(EXPORTS))
    assert _names(listed) == set(STATES)
    states = {state for pair in allowed() for state in pair}
    assert states == set(STATES), "a state that nothing leads to or from"


def test_every_unfinished_state_waits_for_the_engine_or_for_a_person() -> None:
    listed = re.findall(
        r"for_(?:engine|person) boolean GENERATED ALWAYS AS \(state IN \(([^)]*)\)\)", text(EXPORTS)
    )
    assert sorted(re.findall(r"'(\w+)'", " ".join(listed))) == sorted(OPEN)
    assert "WHERE for_engine" in text(EXPORTS)
    assert "WHERE for_person" in text(EXPORTS)


def test_each_table_has_one_writer() -> None:
    owners = {
        table: room(path) for path in sources(".sql") for table in CREATED.findall(text(path))
    }
    assert len(owners) > 20
    writers: defaultdict[str, set[str]] = defaultdict(set)
    for path in sources(".py", ".sql"):
        for statement in _statements(path):
            for table in WRITES.findall(statement):
                if table in owners and room(path):
                    writers[table].add(room(path))
    others = {
        (table, writer)
        for table, rooms in writers.items()
        for writer in rooms
        if writer != owners[table]
    }
    assert others == set(OTHER_WRITERS)


def _names(listed: str) -> set[str]:
    return set(re.findall(r"'(\w+)'", listed))


def _statements(path: Path) -> list[str]:
    if path.suffix == ".sql":
        return [text(path)]
    return [
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
