"""Nothing of the machine it was written on, and no address of a package registry."""

import re
from pathlib import Path

import pytest

from tests.repo.project import files, text

LOCKS = (Path("requirements.lock"), Path("bench/peers/requirements.lock"))
_OF_A_MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root|Users/\w+|home/\w+)/")


def test_no_path_of_a_machine() -> None:
    found = [
        f"{path}:{number}"
        for path in files()
        if path.suffix not in (".png", ".xlsx", ".woff2")
        for number, line in enumerate(text(path).splitlines(), 1)
        if _OF_A_MACHINE.search(line)
    ]
    assert not found


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_locks_hold_hashes_and_no_registry(lock: Path) -> None:
    locked = text(lock)
    assert "://" not in locked
    assert "index-url" not in locked
    packages = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==\S+", locked, re.MULTILINE)
    blocks = re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", locked, flags=re.MULTILINE)[1:]
    assert len(packages) == len(blocks) > 0
    assert all("--hash=sha256:" in block for block in blocks)
