"""The journal of one submission: found or made, refused where it cannot serve, removed.

Its code is a key, so making it twice gives one journal; removing it never takes others' lines.
"""

from bilag.connectors.dynamics.business_central.company import identifier
from bilag.connectors.dynamics.business_central.lines import (
    UNSEEN_TYPE,
    delete_lines,
    standing_lines,
    strays,
)
from bilag.connectors.dynamics.business_central.messages import SAME_KEY, is_lock
from bilag.connectors.dynamics.business_central.stop import Stop, stopped
from bilag.connectors.dynamics.business_central.wire import json_of
from bilag.connectors.dynamics.business_central.work import Journal, Work
from bilag.connectors.dynamics.odata import filtered, literal, plain
from bilag.core.outcome import Misconfigured, RetryLater, Unknown


async def find_journal(work: Work) -> tuple[Journal | None, str]:
    """Return the journal of this submission and its balancing account, if it is there."""
    condition = f"code eq {literal(work.plan.journal)}"
    if work.plan.template:
        condition += f" and templateDisplayName eq {literal(work.plan.template)}"
    items, evidence = await work.wire.read_all(f"{work.company}/journals", filtered(condition))
    for item in items:
        if plain(item.get("code")).upper() == work.plan.journal:
            found = _named(work, identifier(item, evidence))
            return found, plain(item.get("balancingAccountNumber")).strip()
    return None, ""


def _named(work: Work, journal_id: str) -> Journal:
    return Journal(journal_id, work.plan.journal, f"{work.company}/journals({journal_id})")


async def open_journal(work: Work) -> bool:
    """Find or create the journal; returns whether it is new. Raises Stop where it cannot serve."""
    fresh = False
    work.journal, balancing = await find_journal(work)
    if work.journal is not None and _has_unseen_lines(work):
        # Lines that are not shown cannot be compared, so such a journal is begun anew.
        await remove_journal(work)
    if work.journal is None:
        fresh, balancing = await _create_journal(work)
    if balancing:
        raise stopped(
            Misconfigured,
            "dynamics.balancing_account",
            journal=work.opened().code,
            account=balancing,
        )
    if work.wire.settings.batch_settings_path:
        await _refuse_batch_settings(work, work.opened())
    return fresh


async def _create_journal(work: Work) -> tuple[bool, str]:
    body = {"code": work.plan.journal, "displayName": "bilag"}
    if work.plan.template:
        body["templateDisplayName"] = work.plan.template
    reply = await work.write("POST", f"{work.company}/journals", body=json_of(body))
    if reply.ok:
        if plain(reply.document.get("code")).upper() != work.plan.journal:
            raise stopped(Unknown, "dynamics.unreadable", reply.evidence, reason="code")
        work.journal = _named(work, identifier(reply.document, reply.evidence))
        return True, plain(reply.document.get("balancingAccountNumber")).strip()
    if reply.fault.code == SAME_KEY:
        work.journal, balancing = await find_journal(work)
        if work.journal is not None:
            return False, balancing
    if is_lock(reply.fault):
        raise stopped(RetryLater, "dynamics.locked", reply.evidence)
    raise Stop(work.wire.refused(reply))


async def _refuse_batch_settings(work: Work, journal: Journal) -> None:
    """Raise Stop(Misconfigured) naming a setting of the journal that would break a look-up.

    Read from an API of the customer's own, since the standard one shows none of them.
    """
    settings = work.wire.settings
    company = work.company.partition("(")[2].rstrip(")")
    items, evidence = await work.wire.read_all(
        "/" + settings.batch_settings_path.replace("{company}", company)
    )
    for shown in items:
        if journal.id != plain(shown.get("id")).lower() and journal.code != shown.get("batchName"):
            continue
        for name in ("noSeries", "postingNoSeries", "postWithJobQueue"):
            allowed = name == "postWithJobQueue" and settings.posts_by_job_queue
            if shown.get(name) not in (None, "", False) and not allowed:
                raise stopped(
                    Misconfigured,
                    "dynamics.journal_setting",
                    evidence,
                    setting=name,
                    journal=journal.code,
                )


def _has_unseen_lines(work: Work) -> bool:
    return any(line.account_type == UNSEEN_TYPE for one in work.open.values() for line in one.lines)


async def remove_journal(work: Work) -> None:
    """Delete the journal unless another user's line stands in it; raises Stop.

    The system deletes a journal's lines with it, those it does not show as well.
    """
    journal = work.opened()
    standing = await standing_lines(work.wire, journal.path)
    if foreign := strays(work, standing):
        raise stopped(
            Unknown, "dynamics.stray_line", journal=journal.code, line=str(foreign[0].number),
            document=foreign[0].document[:20],
        )  # fmt: skip
    if work.wire.settings.posts_by_job_queue and any(
        line.document not in work.open for line in standing
    ):
        raise stopped(Unknown, "dynamics.in_job_queue")
    reply = await work.write("DELETE", journal.path, if_match="*", expects_object=False)
    if not reply.ok and reply.status != 404:
        raise stopped(Unknown, "dynamics.not_taken_out", reply.evidence, journal=journal.code)
    work.journal = None
    work.line_ids.clear()


async def withdraw(work: Work) -> None:
    """Take back what is staged of the open documents, and the journal when nothing else is in it.

    Raises Stop unless it is certain that none of their lines is left.
    """
    if work.journal is None:
        work.journal, _ = await find_journal(work)
    if work.journal is None:
        return
    standing = await standing_lines(work.wire, work.journal.path)
    ours = [line.id for line in standing if line.document in work.open]
    if len(ours) == len(standing):
        await remove_journal(work)
        return
    await delete_lines(work, ours)
    left = await standing_lines(work.wire, work.journal.path)
    if any(line.document in work.open for line in left) or _has_unseen_lines(work):
        raise stopped(Unknown, "dynamics.not_taken_out", journal=work.journal.code)


async def remove_emptied_journal(work: Work) -> None:
    """Delete the journal after posting, when nothing is left in it.

    Failure policy: one try; an empty journal that stays behind harms nobody.
    """
    try:
        if not await standing_lines(work.wire, work.opened().path):
            await work.write("DELETE", work.opened().path, if_match="*", expects_object=False)
    except Stop:
        return
