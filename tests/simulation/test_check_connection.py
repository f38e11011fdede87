"""What the connection test says of all that can be wrong, in ten seconds and three languages.

One table for the three systems: each row is a fault and the sentence that has to come of it.
BILAG_TEST_TABLE names a file that gets the whole table: what was wrong, what was said, seconds.
"""

import asyncio
import base64
import itertools
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote_plus

import psycopg

from bilag.core.texts import CATALOGUE, LANGUAGES, say
from bilag.sandbox.faults import Kind
from tests.clusters import Cluster, Database
from tests.raw_servers import OK, says, self_signed, served
from tests.simulation.checks import Ran, commands, organization, sandbox, write
from tests.simulation.systems import BUSINESS_CENTRAL, REST, XLEDGER

SECONDS_MAX = 10.0
CANARY = "kanari-4711/hemmelig+="
# The secret and what is made of it; and any long random word, which could only be a token.
LEAK = re.compile(
    "|".join(
        re.escape(spelling)
        for secret in (CANARY, f"sandbox-client:{CANARY}")
        for spelling in (secret, quote_plus(secret), base64.b64encode(secret.encode()).decode())
    )
    + r"|kanari|hemmelig\+|eyJ0eXAi|(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{40,}"
)
VERDICTS = {
    "nb": ("ledger: ok: ", "ledger: IKKE OK: "),
    "nn": ("ledger: ok: ", "ledger: IKKJE OK: "),
    "en": ("ledger: ok: ", "ledger: NOT OK: "),
}
# A sentence about a fault says what to do about it, or that it passes.
TO_DO = re.compile(
    r"\b(?:sjekk|se etter|sjå etter|spør|rett|lim|legg|bruk|gi|gje|skriv|snakk|be"
    r"|prøves|prøvd|prøvast|seg (?:selv|sjølv)"
    r"|check|ask|mend|correct|paste|enter|use|give|talk|tried|passes)\b",
    re.IGNORECASE,
)
SYSTEMS = {"rest": REST, "xledger": XLEDGER, "business-central": BUSINESS_CENTRAL}
PASSES = "connector.check_look_up_unproven"


@dataclass(frozen=True)
class Case:
    """One thing that is wrong with one system, and the code of what has to be said."""

    system: str
    wrong: str
    code: str
    fault: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] | None = None
    networks: tuple[str, ...] = ("127.0.0.0/8",)
    at: str = ""

    @property
    def passes(self) -> bool:
        """Whether the connection is good all the same."""
        return self.code.startswith("connector.check_")


def settings_of(case: Case, url: str) -> dict[str, Any]:
    """Return settings with an OAuth2 login, so that each system has a token to be refused."""
    login = {
        "kind": "oauth2_client_credentials",
        "tokenUrl": f"{url}/oauth/token",
        "clientId": "sandbox-client",
    }
    usual: dict[str, dict[str, Any]] = {
        "rest": {"auth": login, "company": {"path": "/company", "expected": "999999999"}},
        "xledger": {"auth": login, "entity": "42365431"},
        "business-central": {},
    }
    changes = {
        name: value.replace("{url}", url) if isinstance(value, str) else value
        for name, value in case.settings.items()
    }
    return SYSTEMS[case.system].settings_of(url, **{**usual[case.system], **changes})


# --- the faults of the sandboxes, at each place where a check asks

PLACES = ("company", "read", "token")
# What every system says wherever it happens; the rest is below.
USUAL = {
    **dict.fromkeys(("lost_answer", "reset_before", "cut_answer"), "connector.disconnected"),
    **dict.fromkeys(("slow", "drip", "silent", "late_commit"), "connector.timeout"),
    **dict.fromkeys(
        ("error_after", "error_before", "gateway_timeout", "status"), "connector.system_fault"
    ),
    "too_many": "connector.too_many",
    "expired_token": "connector.credentials_refused",
    "garbage": "connector.not_json",
    "redirect": "connector.redirect",
    "huge": "connector.too_large",
    "echo": "connector.unexpected_status",
}
TOKEN = {"expired_token": "connector.token_refused", "echo": "connector.token_refused"}
OWN: dict[str, dict[str, str]] = {
    "rest": {
        "wrong_company": "connector.wrong_company",
        "other_reference": "connector.other_reference",
    },
    "xledger": {
        "too_many": "xledger.limit",
        "expired_token": "xledger.login_refused",
        "garbage": "xledger.unreadable",
        "null_data": "xledger.unreadable",
        "echo": "xledger.fault",
        "wrong_company": "connector.wrong_company",
        # its search is a window in time, in which other vouchers are no fault
        "other_reference": PASSES,
    },
    "business-central": {
        "garbage": "dynamics.unreadable",
        "echo": "dynamics.read_refused",
        "lock": "dynamics.locked",
        "wrong_company": "dynamics.read_refused",
        "other_reference": "connector.other_reference",
    },
}
# Xledger's limits and empty data come with HTTP 200, and a token address has neither.
OWN_TOKEN = {"xledger": dict.fromkeys(("too_many", "null_data"), "connector.token_missing")}
LONG = ("slow", "late_commit")


def of_the_sandboxes() -> Iterator[Case]:
    """Every kind of fault at every place where it means something."""
    for system, place, kind in itertools.product(SYSTEMS, PLACES, get_args(Kind)):
        own = {**TOKEN, **OWN_TOKEN.get(system, {})} if place == "token" else OWN[system]
        only = {"wrong_company": "company", "other_reference": "read"}.get(kind, place)
        if only != place or kind not in {**USUAL, **own}:
            continue
        fault = {"kind": kind, "on": place, "seconds": 20 if kind in LONG else 0.2}
        yield Case(system, f"{kind} on {place}", {**USUAL, **own}[kind], fault)


# --- what is set up wrongly, or wrong on the way

API_KEY = {"auth": {"kind": "api_key"}}
LOOK_UP = {"path": "/vouchers?reference={reference}", "hits": "/items", "reference": "/reference"}
WAY: tuple[tuple[str, str, str], ...] = (
    ("nothing listens", "http://127.0.0.1:1", "connector.refused"),
    ("unknown host", "https://no-such-host.invalid", "connector.dns"),
    ("a name that is none", f"https://{'a' * 70}.no", "connector.dns"),
    ("https at a port that speaks http", "https:{url}", "connector.not_tls"),
    ("a certificate signed by itself", "{self_signed}", "connector.tls"),
    ("no HTTP at all", "{no_http}", "connector.not_http"),
    ("another page there", "{page}", "connector.nothing_there"),
)
ADDRESS = {"rest": "baseUrl", "xledger": "endpoint", "business-central": "baseUrl"}


def set_up() -> Iterator[Case]:
    """What a person can enter wrongly, and what the way there can be like."""
    for system in SYSTEMS:
        yield Case(system, "nothing", PASSES)
        yield Case(system, "secret missing", "connector.secret_missing", secrets={})
        private = "connector.private_address"
        yield Case(system, "private address not allowed", private, networks=())
        for wrong, address, code in WAY:
            yield Case(system, wrong, code, settings={ADDRESS[system]: address})
        for status, code in ((403, "forbidden"), (404, "nothing_there"), (407, "proxy")):
            fault = {"kind": "status", "status": status, "on": "company"}
            yield Case(system, f"HTTP {status}", f"connector.{code}", fault)
    old = {"client_secret": CANARY + "-old"}
    refused = {
        "rest": "connector.token_refused",
        "xledger": "connector.token_refused",
        "business-central": "dynamics.client_refused",
    }
    for system, code in refused.items():
        yield Case(system, "wrong secret", code, secrets=old)
    yield from _rest()
    yield from _xledger()
    yield from _business_central()


def _rest() -> Iterator[Case]:
    def case(wrong: str, code: str, **changes: Any) -> Case:
        return Case("rest", wrong, f"connector.{code}", **changes)

    key, refused = {"api_key": CANARY}, "credentials_refused"
    yield case("wrong key", refused, settings=API_KEY, secrets=key)
    yield case("expired token", refused, options={"token_seconds": -1.0})
    broken = {"api_key": f"{CANARY}\n{CANARY}"}
    yield case("key with a line break", "secret_unusable", settings=API_KEY, secrets=broken)
    other = {"company": {"path": "/company", "expected": "888888888"}}
    yield case("wrong company", "wrong_company", settings=other)
    nameless = {"company": {"path": "/company", "id": "/orgNumber"}}
    yield case("no company id there", "company_unreadable", settings=nameless)
    yield case("wrong field of hits", "hit_unreadable",
               settings={"lookUp": LOOK_UP | {"hits": "/vouchers"}})  # fmt: skip
    yield case("wrong path of look-up", "nothing_there",
               settings={"lookUp": LOOK_UP | {"path": "/nowhere?r={reference}"}})  # fmt: skip
    yield case("no look-up set up", "check_no_look_up", settings={"lookUp": None})
    yield case("neither company nor look-up", "check_login_unproven",
               settings={"lookUp": None, "company": None})  # fmt: skip


def _xledger() -> Iterator[Case]:
    token = {"auth": {"kind": "api_token"}}
    key = {"api_token": CANARY}
    yield Case("xledger", "API token", PASSES, settings=token, secrets=key,
               options={"token": CANARY})  # fmt: skip
    yield Case("xledger", "wrong or expired API token", "xledger.login_refused", settings=token,
               secrets=key)  # fmt: skip
    yield Case("xledger", "refused with HTTP 200", "xledger.login_refused", settings=token,
               secrets=key, options={"auth_status": 200})  # fmt: skip
    yield Case("xledger", "API token with a blank", "connector.secret_unusable", settings=token,
               secrets={"api_token": f"{CANARY} {CANARY}"})  # fmt: skip
    yield Case("xledger", "wrong company", "connector.wrong_company", settings={"entity": "777"})
    yield Case("xledger", "setting the tenant lacks", "xledger.settings_contradicted",
               settings={"lookUp": {"removeItems": True}})  # fmt: skip
    yield Case("xledger", "every step slow", "connector.timeout", options={"answer_after": 2.9})


def _business_central() -> Iterator[Case]:
    def case(wrong: str, code: str, **changes: Any) -> Case:
        return Case("business-central", wrong, code, **changes)

    yield case("expired secret", "dynamics.client_refused", options={"secret_expired": True})
    yield case("wrong client id", "dynamics.client_unauthorized", settings={"clientId": "another"})
    yield case("wrong tenant", "dynamics.request_refused", settings={"tenant": "another"})
    yield case("wrong scope", "dynamics.scope_refused",
               settings={"scope": "https://another.example/.default"})  # fmt: skip
    yield case("wrong environment", "dynamics.read_refused", settings={"environment": "Test"})
    yield case("wrong company", "dynamics.company_missing", settings={"company": "Another"})
    yield case("wrong dimension", "dynamics.dimension_missing",
               settings={"dimensions": {"costCentre": "KOSTSTED"}})  # fmt: skip
    yield case("key that is none", "dynamics.key_unusable", settings={"auth": "certificate"},
               secrets={"private_key": CANARY})  # fmt: skip
    yield case("every step slow", "connector.timeout", options={"answer_after": 2.9})


CASES = (*of_the_sandboxes(), *set_up())


# --- running them


@dataclass(frozen=True)
class Said:
    """A case, what came of it, and what is wrong with that; `sentences` by language."""

    case: Case
    ran: Ran
    sentences: tuple[str, ...]
    faults: tuple[str, ...]


@asynccontextmanager
async def other_servers(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Give the addresses of servers that are no accounting system."""
    page = b"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n<html></html>"
    async with (
        served(says(OK), self_signed(folder)) as tls,
        served(says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")) as ssh,
        served(says(page)) as web,
    ):
        yield {"self_signed": tls.url, "no_http": ssh.url, "page": web.url}


def judge(case: Case, ran: Ran, language: str) -> Said:
    """Hold what was printed against the case."""
    line = ran.out.partition("\n")[0]
    verdict = VERDICTS[language][not case.passes]
    sentence = CATALOGUE[case.code][LANGUAGES.index(language)]
    found = re.fullmatch(re.escape(verdict) + as_pattern(sentence), line)
    sentences = (
        tuple(say(case.code, each, **found.groupdict()) for each in LANGUAGES) if found else ()
    )
    output = ran.out + ran.err
    kept = {
        "too late": ran.seconds < SECONDS_MAX,
        "wrong exit code": ran.code == (0 if case.passes else 1),
        "not the sentence": bool(found),
        "output on stderr": not ran.err,
        "a secret": not LEAK.search(output),
        "our own code": not re.search(r"Traceback|Error\b|Errno|aiohttp|asyncio|object at", line),
        "an empty place": not re.search(r"\(\s*\)|\s[).,:]|\{\w+\}", line),
        "more than two sentences": all(map(short, sentences)),
        "nothing to do": case.passes or all(map(TO_DO.search, sentences)),
    }
    return Said(case, ran, sentences, tuple(what for what, holds in kept.items() if not holds))


def as_pattern(sentence: str) -> str:
    """Return a pattern for a sentence of the catalogue; a name that comes again is the same."""
    seen: set[str] = set()

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.+?)"

    return re.sub(r"\\\{(\w+)\\\}", place, re.escape(sentence))


def short(sentence: str) -> bool:
    """Return whether it is one or two sentences; what the system itself said is not counted."""
    ours = re.sub(r"«.*»|“.*”|\(.*?\)", "", sentence)
    return len(re.split(r"[.!?»”](?=\s|$)", ours.rstrip(".!? "))) <= 2


async def test_every_fault_is_said_in_time_and_in_three_languages(
    database: Database, cluster: Cluster, tmp_path: Path
) -> None:
    environment = {"BILAG_HOME": str(tmp_path), "BILAG_DATABASE_URL": database.application_url}
    places = [f"c{number}" for number in range(len(CASES))]
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(other_servers(tmp_path))
        there = []
        for slug, case in zip(places, CASES, strict=True):
            options = {**SYSTEMS[case.system].options, "client_secret": CANARY, **case.options}
            if case.system == "rest":
                options |= {"auth": "api_key,oauth2"}
            url = await stack.enter_async_context(
                sandbox(case.system, options, [case.fault] if case.fault else [])
            )
            settings = settings_of(case, url)
            address = ADDRESS[case.system]
            settings[address] = settings[address].replace("https:http:", "https:")
            settings[address] = settings[address].format(**servers)
            secrets = {"client_secret": CANARY} if case.secrets is None else case.secrets
            connector = SYSTEMS[case.system].connector
            there.append(organization(slug, connector, settings, secrets, tmp_path, case.networks))
        bilag = await stack.enter_async_context(commands(environment))
        applied = await bilag("apply", write(tmp_path / "organizations.yaml", there))
        assert applied.code == 0, applied
        languages = list(itertools.islice(itertools.cycle(LANGUAGES), len(CASES)))
        ran = await asyncio.gather(
            *(
                bilag("check-connection", slug, "--language", language)
                for slug, language in zip(places, languages, strict=True)
            )
        )
    said = [judge(*one) for one in zip(CASES, ran, languages, strict=True)]
    write_table(said)
    wrong = [f"{one.case.system}, {one.case.wrong}: {', '.join(one.faults)}: {one.ran.out}"
             f"{one.ran.err} (wanted {one.case.code})" for one in said if one.faults]  # fmt: skip
    assert not wrong, "\n".join(wrong)
    assert not LEAK.search(stored(cluster, database)), "a secret in the database"


def stored(cluster: Cluster, database: Database) -> str:
    """Return all that the checks left in the database but the sealed secrets themselves."""
    superuser = psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=database.name)
    with psycopg.connect(superuser) as connection:
        tables = ("change_logs", "integration_runtime", "organization_integrations", "syncs")
        return "\n".join(
            row[0] for table in tables
            for row in connection.execute(f"SELECT t::text FROM {table} t")
        )  # fmt: skip


def write_table(said: list[Said]) -> None:
    """Write the whole table where BILAG_TEST_TABLE says."""
    if not (name := os.environ.get("BILAG_TEST_TABLE")):
        return
    with Path(name).open("w") as file:
        for one in sorted(said, key=lambda one: (one.case.wrong, one.case.system)):
            file.write(f"{one.case.wrong} | {one.case.system} | {one.case.code}"
                       f" | exit {one.ran.code} | {one.ran.seconds:.1f} s\n")  # fmt: skip
            for language, sentence in zip(LANGUAGES, one.sentences, strict=False):
                file.write(f"    {language}: {sentence}\n")
            if not one.sentences:
                file.write(f"    {one.ran.out}{one.ran.err}\n")
