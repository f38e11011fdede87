"""The printed tables of a run: what was measured, what it was measured on, what was reached.

Everything printed is also in bench/results.json.
"""

from typing import Any

from rich.console import Console
from rich.table import Table

from bench.contest import as_text


def print_results(console: Console, results: dict[str, Any]) -> None:
    """Print one table for each measurement that ran, the targets last."""
    machine, settings = results["machine"], results["settings"]
    console.print(
        f"{machine['cores_usable']} cores ({machine['processor']}), Python {machine['python']}, "
        f"PostgreSQL {settings['server_version']}, fsync {settings['fsync']}, "
        f"synchronous_commit {settings['synchronous_commit']}, "
        f"fdatasync {machine['fdatasync_ms']} ms on {machine['file_system']}"
    )
    if "ratio_to_bare" in results:
        console.print(_throughput(results))
    if "ledgers" in results:
        console.print(_ledgers(results["ledgers"]))
    if "portal" in results:
        console.print(_portal(results["portal"]))
    if "history" in results:
        console.print(_history(results["history"]))
    if "peers" in results:
        console.print(_peers(results["peers"]["table"]))
    console.print(_targets(results))


def _throughput(results: dict[str, Any]) -> Table:
    table = Table(title="claims a second, 32 in flight (median of interleaved pairs)")
    for name in ("sink latency", "bare", "engine", "ratio", "min-max"):
        table.add_column(name, justify="right")
    for name in ("client", "mapping", "database", "sink", "bare loop"):
        table.add_column(f"{name} µs", justify="right")
    for latency, ratio in results["ratio_to_bare"].items():
        rates = results["claims_per_second"][latency]
        cpu = results["cpu_us_per_claim"][latency]
        ratios = [pair["ratio"] for pair in results["pairs"][latency]]
        table.add_row(
            f"{latency} ms",
            f"{rates['bare']:,}",
            f"{rates['engine']:,}",
            f"{ratio:.2f}",
            f"{min(ratios):.2f}-{max(ratios):.2f}",
            *(f"{cpu[name]:.0f}" for name in ("client", "mapping", "database", "sink", "bare")),
        )
    return table


def _ledgers(found: list[dict[str, Any]]) -> Table:
    limits = dict.fromkeys(f"{one['ledger']} {one['limit']}" for one in found)
    table = Table(
        title="claims a second to the sandboxes of real ledgers (median of interleaved pairs)",
        caption="CPU in µs a claim; limit: claims a second that the real system's requests allow, "
        f"{', '.join(limits)}",
    )
    table.add_column("", no_wrap=True)
    for name in ("a call", "in flight", "requests a claim", "bare", "engine", "ratio", "min-max",
                 "client", "database", "sandbox", "limit"):  # fmt: skip
        table.add_column(name, justify="right")
    for one in found:
        rates, cpu = one["claims_per_second"], one["cpu_us_per_claim"]
        ratios = [pair["ratio"] for pair in one["pairs"]]
        table.add_row(
            one["ledger"],
            str(one["documents"]),
            str(one["in_flight"]),
            f"{one['requests_per_claim']:.3f}",
            f"{rates['bare']:,}",
            f"{rates['engine']:,}",
            f"{one['ratio_to_bare']:.2f}",
            f"{min(ratios):.2f}-{max(ratios):.2f}",
            *(f"{cpu[name]:.0f}" for name in ("client", "database", "sandbox")),
            f"{one['limit_claims_per_second']:g}",
        )
    return table


def _portal(found: dict[str, Any]) -> Table:
    title = (
        f"pages of the portal, ms, beside {found['organizations']:,} organizations"
        f" and {found['records']:,} records"
    )
    table = Table("page", title=title)
    for column in ("p50", "p95", "max"):
        table.add_column(column, justify="right")
    for name, taken in sorted(found["pages"].items(), key=lambda page: -page[1]["p95"]):
        table.add_row(name, *(f"{taken[column]:.1f}" for column in ("p50", "p95", "max")))
    return table


def _history(found: dict[str, Any]) -> Table:
    title = f"pages that watch, ms and rows read, of {found['organizations']:,} organizations"
    table = Table("page", "exports", title=title)
    columns = ("p50", "p95", "max", "scanned", "fetched")
    for column in columns:
        table.add_column(column, justify="right")
    for count, stage in found["stages"].items():
        for name, taken in stage["pages"].items():
            table.add_row(name, f"{int(count):,}", *(f"{taken[column]:g}" for column in columns))
    return table


def _peers(found: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="the engine and its peers on the same sink")
    table.add_column("")
    for name in (
        "claims/s, 0 ms",
        "claims/s, 20 ms",
        "duplicates, lost answers",
        "duplicates, kill -9",
        "losses, lost answers",
        "losses, kill -9",
    ):
        table.add_column(name, justify="right")
    table.add_column("at the restart")
    for row in as_text(found):
        table.add_row(*row)
    return table


def _targets(results: dict[str, Any]) -> Table:
    table = Table(title="targets")
    for name in ("", "wanted", "measured", "reached"):
        table.add_column(name)
    for target in results["targets"]:
        table.add_row(
            target["name"],
            target["wanted"],
            f"{target['measured']:g}",
            "yes" if target["met"] else "NO",
        )
    for name in ("import_rows_per_second", "worker_rss_mib"):
        if name in results:
            table.add_row(name, "", str(results[name]), "")
    return table
