"""The wheel: it holds everything, and runs from an empty folder without the project beside it.

`make wheel` does the same with an environment into which pip installs everything anew.
"""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from build_assets import FILES
from tests.clusters import chosen_binaries, remove_home, temporary_home
from tests.repo.project import ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is published."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(ROOT, sys.executable, "-m", "hatchling", "build", "--target", "wheel",
         "--directory", str(folder))  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package_and_what_is_built(wheel: Path) -> None:
    wanted = {str(path.relative_to("src")) for path in files() if path.parts[0] == "src"}
    assert len(wanted) > 500
    wanted |= {name.removesuffix(".po") + ".mo" for name in wanted if name.endswith(".po")}
    wanted |= {f"bilag/portal/static/vendor/{name}" for name in FILES.values()}
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert sorted(wanted - held) == []
    assert [name for name in held if not name.startswith(("bilag/", "bilag-"))] == []


def test_the_demo_runs_from_an_environment_that_has_nothing_but_the_wheel(
    wheel: Path, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    _run(tmp_path, sys.executable, "-m", "venv", "--without-pip", str(venv))
    python = venv / "bin" / "python"
    site = next(venv.glob("lib/python*/site-packages"))
    # what the project depends on is seen, but not the project: a .pth over there is not read
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    _run(tmp_path, sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq",
         "--python", str(python), "install", "--no-deps", "--no-index", str(wheel))  # fmt: skip
    with temporary_home() as folder:
        home = folder / "demo"
        try:
            where = _run(tmp_path, str(python), "-c", "import bilag; print(bilag.__file__)")
            assert where.startswith(str(site))
            said = _run(tmp_path, str(venv / "bin" / "bilag"), "demo", "--once", "--home",
                        str(home))  # fmt: skip
            assert said.count(" 0 references differ, 0 posted twice.") == 3
        finally:
            remove_home(home)


def _run(folder: Path, *command: str) -> str:
    binaries = chosen_binaries()
    # neither the project's folder nor a setting of whoever runs the tests
    environment = {
        **{name: value for name, value in os.environ.items()
           if not name.startswith(("BILAG_", "PYTHONPATH"))},
        **({"BILAG_POSTGRES_BIN": str(binaries)} if binaries else {}),
    }  # fmt: skip
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
