"""What is wrong with a mapping document before it is saved, each fault with its place and remedy.

A document without problems compiles; what it does not cover is held record by record.
"""

import re
from collections.abc import Iterator

from bilag.core.problem import Problem
from bilag.integrations.model import Filters
from bilag.mapping.document import MappingDocument, Posting, Rule
from bilag.mapping.paths import path_fault
from bilag.mapping.transform import is_date_format, template_pieces

_DEPTH_MAX = 3
# What codes of ledgers are made of: letters and digits of any alphabet, and a few marks; single
# blanks too where codes are short words, such as the VAT code "NO VAT" of Business Central.
_ACCOUNT = re.compile(r"[\w./:+&-]+")
_CODE = re.compile(r"[\w./:+&-]+( [\w./:+&-]+)*")


def check_document(
    document: MappingDocument, filters: Filters, *, carries_vat: bool
) -> list[Problem]:
    """Return every problem of a document, in the document's order; an empty list means usable.

    `filters` tell which record categories come in; `carries_vat` is the connector's capability.
    """
    return [
        *_accounts(document),
        *code_problems(document),
        *_counter_accounts(document, filters),
        *(_vat(document) if not carries_vat else ()),
        *check_rules(document),
    ]


def code_problems(document: MappingDocument) -> Iterator[Problem]:
    """Yield the accounts, cost centres, projects and VAT codes that no ledger has.

    The app's codes and the parties are free: others make them up.
    """
    postings = {f"categories.{name}": posting for name, posting in document.categories.items()}
    postings |= {f"defaults.{name}": posting for name, posting in document.defaults.items()}
    for at, posting in postings.items():
        yield from account_problems(posting.account, f"{at}.account")
        yield from _signs("mapping_vat_code_signs", posting.vat_code, f"{at}.vatCode")
        yield from _signs("mapping_cost_centre_signs", posting.cost_centre, f"{at}.costCentre")
        yield from _signs("mapping_project_signs", posting.project, f"{at}.project")
        yield from account_problems(posting.counter_account, f"{at}.counterAccount")
    yield from account_problems(document.counter_account, "counterAccount")
    yield from account_problems(document.clearing_account, "clearingAccount")
    for category, account in document.clearing_accounts.items():
        yield from account_problems(account, f"clearingAccounts.{category}")
    for problem, name, table in (
        ("mapping_cost_centre_signs", "costCentres", document.cost_centres),
        ("mapping_project_signs", "projects", document.projects),
        ("mapping_vat_code_signs", "vatCodes", document.vat_codes),
    ):
        for key, code in table.codes.items():
            yield from _signs(problem, code, f"{name}.codes.{key}")


def account_problems(account: str, place: str) -> Iterator[Problem]:
    """Yield what is wrong with the characters of an account, wherever somebody writes one."""
    yield from _signs("mapping_account_signs", account, place, _ACCOUNT)


def _signs(
    problem: str, code: str | None, place: str, allowed: re.Pattern[str] = _CODE
) -> Iterator[Problem]:
    if code and not allowed.fullmatch(code):
        yield Problem(problem, place, params={"code": code})


def _accounts(document: MappingDocument) -> Iterator[Problem]:
    for name, posting in document.categories.items():
        if not posting.account:
            yield Problem("mapping_account_empty", f"categories.{name}.account")
        if not name:
            yield Problem("mapping_key_empty", "categories")
    if not document.categories and not any(p.account for p in document.defaults.values()):
        yield Problem("mapping_no_accounts", "categories")
    for claimant, party in document.claimants.items():
        if not party:
            yield Problem("mapping_party_empty", f"claimants.{claimant}")
        if not claimant:
            yield Problem("mapping_key_empty", "claimants")


def _counter_accounts(document: MappingDocument, filters: Filters) -> Iterator[Problem]:
    clears = document.missing_claimant == "clearing"
    for category in filters.categories:
        default = document.defaults.get(category, Posting())
        if clears and not (document.clearing_accounts.get(category) or document.clearing_account):
            yield Problem(
                "mapping_clearing_account", "clearingAccount", params={"category": category}
            )
        if clears and not document.claimants:
            continue  # no one has a party, so everything goes to the clearing account
        if default.counter_account or document.counter_account:
            continue
        if default.account or not all(p.counter_account for p in document.categories.values()):
            yield Problem(
                "mapping_counter_account",
                f"defaults.{category}.counterAccount",
                params={"category": category},
            )


def _vat(document: MappingDocument) -> Iterator[Problem]:
    codes = {
        **{f"categories.{name}.vatCode": p.vat_code for name, p in document.categories.items()},
        **{f"defaults.{name}.vatCode": p.vat_code for name, p in document.defaults.items()},
        **{f"vatCodes.codes.{name}": code for name, code in document.vat_codes.codes.items()},
    }
    for place, code in codes.items():
        if code:
            yield Problem("mapping_vat_not_carried", place, params={"code": code})


def check_rules(document: MappingDocument) -> Iterator[Problem]:
    """Yield what is wrong with the rules alone: texts and external fields."""
    yield from _rule(document.voucher_text, "voucherText", in_line=False)
    yield from _rule(document.line_text, "lineText", in_line=True)
    for place, rules, in_line in (
        ("header", document.header, False),
        ("line", document.line, True),
        ("counterLine", document.counter_line, False),
    ):
        for name, rule in rules.items():
            yield from _rule(rule, f"{place}.{name}", in_line=in_line)


def _rule(rule: Rule, at: str, *, in_line: bool, depth: int = 1) -> Iterator[Problem]:
    if depth > _DEPTH_MAX:
        yield Problem("mapping_too_deep", at)
        return
    if len(rule.sources()) != 1:
        yield Problem("mapping_one_source", at)
    if rule.from_ is not None:
        yield from _path(rule.from_, f"{at}.from", in_line)
    if rule.template is not None:
        try:
            paths = [path for _, path in template_pieces(rule.template) if path is not None]
        except ValueError:
            yield Problem("mapping_template", f"{at}.template")
        else:
            for path in paths:
                yield from _path(path, f"{at}.template", in_line)
    if rule.date is not None and not is_date_format(rule.date):
        yield Problem("mapping_date_format", f"{at}.date", params={"format": rule.date})
    for name, inner in (("firstNonEmpty", rule.first_non_empty), ("join", rule.join)):
        for number, part in enumerate(inner or (), 1):
            yield from _rule(part, f"{at}.{name}[{number}]", in_line=in_line, depth=depth + 1)


def _path(path: str, at: str, in_line: bool) -> Iterator[Problem]:
    fault = path_fault(path, in_line)
    if fault:
        yield Problem(fault, at, params={"path": path})
