"""Facts of the machine and the database that a figure cannot be read without.

Settings of the server are read from the server, never assumed.
"""

import os
import platform
import statistics
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import psycopg

_SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
)


def machine_facts(home: Path) -> dict[str, Any]:
    """Return cores, processor, memory, Python, package versions and the disk's fdatasync time."""
    return {
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {
            name: _version(name) for name in ("aiohttp", "psycopg", "httptools", "uvloop")
        },
        "file_system": _file_system(home),
        "fdatasync_ms": round(fdatasync_ms(home), 3),
        "load_before": [round(value, 2) for value in os.getloadavg()],
    }


def server_settings(url: str) -> dict[str, str]:
    """Return what the server itself says of its durability and memory settings (SHOW)."""
    found: dict[str, str] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for name in _SETTINGS:
            row = connection.execute(f"SHOW {name}").fetchone()
            found[name] = str(row[0]) if row else ""
    return found


def postmaster(url: str) -> int | None:
    """Return the process id of the server behind the URL, or None when it is not on this machine.

    Its CPU, together with its children's, is the database's share.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        try:
            parent = psutil.Process(row[0]).parent() if row else None
        except psutil.NoSuchProcess:
            return None
        return parent.pid if parent is not None and "postgres" in parent.name() else None


def fdatasync_ms(folder: Path, rounds: int = 100) -> float:
    """Return the median milliseconds to write 8 KiB and fdatasync it in a folder.

    A commit costs about this; nearly 0 means a disk that promises what it may not keep.
    """
    path = folder / "fdatasync.probe"
    taken = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(rounds):
            started = time.perf_counter()
            os.pwrite(descriptor, b"x" * 8192, 0)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - started) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(taken)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _file_system(folder: Path) -> str:
    found = subprocess.run(
        ["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
