"""Commands for when an integration sends: `schedule`, `enable`, `disable` (C6, C14).

What is switched is written to the audit log; repeating it is harmless.
"""

import json
from datetime import datetime
from typing import Any

import click

from bilag.app.cli_errors import problem_line
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    Desk,
    desk,
    integration_option,
    language_option,
    organization_argument,
)
from bilag.app.cli_words import word
from bilag.core.clock import utc_now
from bilag.core.problem import Refused
from bilag.core.schedule import Schedule, make_schedule, upcoming
from bilag.core.schedule_words import pause_words, words
from bilag.delivery.configured import Timed
from bilag.exports.status import totals
from bilag.integrations.model import Integration


@click.command("schedule")
@organization_argument
@integration_option
@click.option("--try", "expression", default="", metavar="EXPRESSION", help="Look at this one.")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
@language_option
def schedule_command(
    slug: str, target: str, expression: str, as_json: bool, language: str
) -> int:  # fmt: skip
    """Say when the integrations of ORG send what came in, with their next five runs and pauses.

    With --try, say what a cron expression would do, in the time zone and with the pauses of the
    integration; nothing is changed. A schedule is set in the file of `bilag apply`, or through the
    API.

    \b
    bilag schedule hlf
    bilag schedule hlf --try "0 7 * * MON"
    """
    with desk(slug) as at:
        chosen = at.integrations(target)
        if expression:
            found = [_tried(one, expression, language) for one in chosen]
        else:
            found = [at.configured.timed(str(one.id)) for one in chosen]
    if as_json:
        told = [timed_as_json(one, language) for one in found]
        click.echo(json.dumps({"organization": slug, "integrations": told}, ensure_ascii=False))
        return Exit.OK
    for timed in found:
        click.echo("\n".join(_lines(slug, timed, language)))
    if not found:
        click.echo(f"{slug} has no integration yet; `bilag apply FILE` makes them", err=True)
    return Exit.OK


def _tried(one: Integration, expression: str, language: str) -> Timed:
    own = one.delivery.timed()
    try:
        tried = make_schedule(
            "cron", cron=expression, time_zone=own.zone.key, pauses=own.pauses
        )  # fmt: skip
    except Refused as error:
        told = "; ".join(problem_line(problem, language) for problem in error.problems)
        raise CommandFailed(told, Exit.USAGE) from error
    return Timed(one, tried, upcoming(tried, utc_now()), None, None)


def _lines(slug: str, timed: Timed, language: str) -> list[str]:
    one = timed.integration
    off = "" if one.enabled else f" ({word('disabled', language)})"
    lines = [f"{slug}: {one.key}{off}: {words(timed.schedule, language)}"]
    lines += [f"  {pause_words(pause, language)}" for pause in timed.schedule.pauses]
    if timed.paused_until is not None:
        lines.append(
            f"  {word('pause_window', language)} {_local(timed.paused_until, timed.schedule)}"
        )
    lines += [f"  {_local(run, timed.schedule)}" for run in timed.runs]
    return lines


def _local(moment: datetime, schedule: Schedule) -> str:
    # with the offset, since an hour of the clock comes twice on one night of the year
    return moment.astimezone(schedule.zone).isoformat(sep=" ", timespec="minutes")


def timed_as_json(timed: Timed, language: str) -> dict[str, Any]:
    """Return a schedule for programs; times are ISO 8601 with the offset of its time zone."""
    schedule = timed.schedule
    return {
        "integration": timed.integration.key,
        "enabled": timed.integration.enabled,
        "trigger": schedule.trigger,
        "timeZone": schedule.zone.key,
        "words": words(schedule, language),
        "pauses": [pause_words(pause, language) for pause in schedule.pauses],
        "pausedUntil": _iso(timed.paused_until, schedule),
        "nextRuns": [run.isoformat() for run in timed.runs],
    }


def _iso(moment: datetime | None, schedule: Schedule) -> str | None:
    return moment.astimezone(schedule.zone).isoformat() if moment else None


@click.command("enable")
@organization_argument
@click.argument("key", metavar="INTEGRATION")
def enable_command(slug: str, key: str) -> int:
    """Switch INTEGRATION on: the queue goes as its schedule says, on approval at once."""
    return _switch(slug, key, enabled=True)


@click.command("disable")
@organization_argument
@click.argument("key", metavar="INTEGRATION")
def disable_command(slug: str, key: str) -> int:
    """Switch INTEGRATION off: approved records wait in the queue, and nothing is sent.

    A sync that is running stops at the next record; what is under way is still settled.
    """
    return _switch(slug, key, enabled=False)


def _switch(slug: str, key: str, *, enabled: bool) -> int:
    with desk(slug) as at:
        (one,) = at.integrations(key)
        at.configured.switch(one.key, enabled=enabled)
        count = _pending(at, one)
    click.echo(f"{slug}: {one.key} is {'on' if enabled else 'off'}; {count} pending")
    return Exit.OK


def _pending(at: Desk, one: Integration) -> int:
    with at.scope() as connection:
        rows = totals(connection)
    return sum(r.count for r in rows if (r.integration_key, r.state) == (one.key, "pending"))
