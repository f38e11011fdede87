"""Builds what the pages need and git does not hold: styles and scripts by npm, translations.

The wheel's build runs it, and so does every `make`; what is newer than its sources stays.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/bilag/portal/static/vendor")
# Each as npm lays it out, and the name under which the pages ask for it.
FILES = {
    "@digdir/designsystemet-css/dist/src/index.css": "designsystemet.css",
    "@digdir/designsystemet-css/dist/theme/designsystemet.css": "designsystemet-theme.css",
    "@digdir/designsystemet-css/LICENSE": "designsystemet-LICENSE.txt",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx-LICENSE.txt",
}


class Assets(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before the wheel is put together, also for an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build into the source tree; raises SystemExit when npm is not there or fails."""
        build(Path(self.root))


def build(root: Path) -> None:
    """Bring installed files and compiled translations up to date in the tree at `root`."""
    _packages(root)
    for source in (root / "src/bilag/portal").rglob("*.po"):
        target = source.with_suffix(".mo")
        if not _is_newer(target, source):
            with source.open("rb") as text, target.open("wb") as compiled:
                write_mo(compiled, read_po(text))


def _packages(root: Path) -> None:
    lock, modules, vendor = root / "package-lock.json", root / "node_modules", root / VENDOR
    installed = modules / ".package-lock.json"
    if not _is_newer(installed, lock):
        npm = shutil.which("npm", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
        if npm is None:
            raise SystemExit("npm is needed to install the styles of the pages: install Node.js")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            raise SystemExit(f"npm could not install the styles of the pages:\n{done.stderr}")
        os.utime(installed)
    vendor.mkdir(parents=True, exist_ok=True)
    for source, name in FILES.items():
        if not _is_newer(vendor / name, installed):
            shutil.copyfile(modules / source, vendor / name)


def _is_newer(target: Path, source: Path) -> bool:
    return target.exists() and target.stat().st_mtime >= source.stat().st_mtime


if __name__ == "__main__":
    build(Path(__file__).parent)
