"""The peers' own environment: `bench/.venv-peers`, made from a lock file that carries hashes.

The product never imports a peer, and a peer never imports the product.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.processes import ROOT

_LOCK = Path(__file__).with_name("requirements.lock")
_HOME = ROOT / "bench" / ".venv-peers"


def peers_python() -> Path:
    """Return the interpreter of the peers' environment, made or made anew when the lock changed.

    Raises CalledProcessError when a package cannot be had or its hash is not the locked one.
    """
    python = _HOME / "bin" / "python"
    stamp = _HOME / "requirements.sha256"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(_HOME, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(_HOME)], check=True)
    install = ["-m", "pip", "install", "--quiet", "--quiet", "--require-hashes", "-r", str(_LOCK)]
    subprocess.run([str(python), *install], check=True)
    stamp.write_text(wanted)
    return python
