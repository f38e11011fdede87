"""No secret stands in clear anywhere: not in an answer, an output, a log or the database (X1, E10).

Secrets of every kind are planted, everything is made to happen with them, every system is made to
throw them back at us, and then all that was ever written is searched.
"""

import base64
import http.client
import io
import json
import os
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

import psycopg
import pytest
import yaml

from bilag.app.cli import run
from bilag.app.postgres_places import find_binaries
from bilag.connectors.registry import CONNECTORS
from bilag.integrations.key_sources import open_vault
from bilag.integrations.model import organization_id
from bilag.integrations.vault import CALLBACK_CREDENTIAL, audit_key, load_data_key
from bilag.sandbox.faults import Kind
from bilag.tenants.scope import organization_scope
from tests.clusters import Cluster, Database, chosen_binaries
from tests.database.api_stage import MAPPING, record
from tests.database.test_api_auth import BODIES, PLACES, QUERIES
from tests.database.test_tenants import superuser_url
from tests.issuers import Issuer, hmac_token
from tests.ports import free_port
from tests.sandboxes import SandboxProcess, start_sandbox
from tests.simulation.canaries import Canary, canary, forms, known, leaks
from tests.simulation.conftest import rest_settings
from tests.simulation.systems import BUSINESS_CENTRAL, XLEDGER
from tests.simulation.world import HASTY

SLUG = "alice"
# integration -> login of the REST connector and the secret that it needs
REST_LOGINS = {
    "ledger": ({"kind": "api_key"}, "api_key"),
    "basic": ({"kind": "basic", "username": "sandbox"}, "password"),
    "bearer": ({"kind": "bearer"}, "bearer_token"),
    "oauth": ({"kind": "oauth2_client_credentials", "clientId": "sandbox-client"}, "client_secret"),
    "hmac": ({"kind": "hmac"}, "hmac_key"),
}
LEDGERS = {"xledger": XLEDGER, "central": BUSINESS_CENTRAL}
KINDS = sorted(set(get_args(Kind)) - {"huge", "late_commit"})
# What reads; what changes something is done below where it belongs.
READ_COMMANDS = (
    ("status",), ("status", SLUG), ("status", SLUG, "--json"), ("exports", SLUG),
    ("exports", SLUG, "--json"), ("credentials", SLUG), ("credentials", SLUG, "--json"),
    ("export-configuration", SLUG), ("token", SLUG, "--list"), ("keys", "check"),
    ("schedule", SLUG, "ledger"), ("dry-run", SLUG), ("check-connection", SLUG),
    ("check-connection", SLUG, "--json"), ("reconcile", SLUG),
)  # fmt: skip


@dataclass
class Planted:
    """Every secret that was planted, and everything that was written since."""

    home: Path
    database: Database
    environment: dict[str, str]
    canaries: dict[str, Canary] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def plant(self, name: str, value: str | None = None) -> str:
        """Make a secret, or note one that was made elsewhere; whatever is planted is looked for."""
        self.canaries[name] = canary(name) if value is None else known(name, value)
        return self.canaries[name].value

    def keep(self, place: str, content: bytes) -> None:
        """Keep what was written, to be searched."""
        self.written[f"{next(self.numbers):03} {place}"] = content

    def bilag(self, *arguments: str, keep_output: bool = True) -> tuple[int, str]:
        """Run a command to its end, in this process, and keep what it says."""
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment), redirect_stdout(out), redirect_stderr(err),
        ):  # fmt: skip
            code = run(arguments)
        self.keep(f"bilag {' '.join(arguments[:2])}", err.getvalue().encode())
        if keep_output:
            self.keep(f"bilag {' '.join(arguments[:2])}", out.getvalue().encode())
        return code, out.getvalue() + err.getvalue()

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a process that goes on; its log is searched at the end."""
        log = (self.home / f"{arguments[0]}.log").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "bilag.app.cli", *arguments],
                env={**os.environ, **self.environment, "BILAG_LOG_LEVEL": "debug"},
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def ask(self, url: str, method: str, token: str, body: Any = None) -> tuple[int, bytes]:
        """Send a request and keep the whole answer, its head too."""
        data = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        parts = urllib.parse.urlsplit(url)
        with closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
            path = url.partition(parts.netloc)[2]
            connection.request(method, path, data, {**headers, "Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        self.keep(f"{method} {parts.path} {answer.status}", repr(answer.getheaders()).encode())
        self.keep(f"{method} {parts.path}", content)
        return answer.status, content


@pytest.fixture
def planted(database: Database, tmp_path: Path) -> Planted:
    return Planted(
        tmp_path,
        database,
        {
            "BILAG_HOME": str(tmp_path),
            "BILAG_DATABASE_URL": database.application_url,
            "BILAG_DATABASE_OWNER_URL": database.owner_url,
            "BILAG_STALLED_SECONDS": "2",
        },
    )


def plant_secrets(planted: Planted) -> None:
    """Plant every kind of secret there is. A new kind of secret gets a line here."""
    # each field of each connector, used or not, and what signs callbacks
    for connector in CONNECTORS.values():
        for name in (*connector.secret_fields, CALLBACK_CREDENTIAL):
            planted.environment[_variable(connector.type, name)] = planted.plant(
                f"{connector.type}.{name}"
            )
    for name in ("rotated", "rotated over REST", "refused", "refused over REST", "mistyped"):
        planted.environment[_variable("new", name)] = planted.plant(f"a {name} credential")
    master = os.urandom(32)
    planted.canaries["master key"] = known("master key", master)
    planted.environment["BILAG_MASTER_KEY"] = base64.b64encode(master).decode()
    planted.plant("master key, as it is given", planted.environment["BILAG_MASTER_KEY"])
    planted.environment["JWT_SECRET"] = planted.plant("secret of a JWT issuer")
    # Here come: passwords, second factors, recovery codes, invitation links, session cookies and
    # the client secret of a sign-in, planted by who drives the pages.


def _variable(kind: str, name: str) -> str:
    return f"CANARY_{kind}_{name}".upper().replace(" ", "_")


def configuration(planted: Planted, systems: dict[str, SandboxProcess]) -> Path:
    """Write the file that `bilag apply` reads: an integration for each kind of login."""
    url = systems["rest"].url
    integrations = [
        _integration(
            key, "rest",
            rest_settings(
                url,
                auth={**auth, **({"tokenUrl": f"{url}/oauth/token"} if key == "oauth" else {})},
                company={"path": "/company"},
            ),
        )
        for key, (auth, _) in REST_LOGINS.items()
    ]  # fmt: skip
    for key, system in LEDGERS.items():
        settings = system.settings_of(systems[key].url)
        integrations.append(_integration(key, system.connector, settings))
    for one in integrations:
        fields = (*CONNECTORS[one["type"]].secret_fields, CALLBACK_CREDENTIAL)
        one["credentials"] = {name: f"env:{_variable(one['type'], name)}" for name in fields}
    entry = {
        "slug": SLUG, "name": "Alice", "allowedNetworks": ["127.0.0.0/8"],
        "members": [{"subject": "administrator-001", "role": "admin"}],
        "books": [{"key": f"{one['key']}-book", "name": one["name"], "currency": "NOK"}
                  for one in integrations],
        "integrations": integrations,
    }  # fmt: skip
    path = planted.home / "organizations.yaml"
    path.write_text(yaml.safe_dump({"organizations": [entry]}))
    return path


def _integration(key: str, kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    hasty = {**HASTY, "retry": {**HASTY["retry"], "attemptsMax": 50},  # type: ignore[dict-item]
             "breaker": {"failures": 1000, "retrySeconds": 0.2}}  # fmt: skip
    return {
        "key": key, "name": key, "type": kind, "book": f"{key}-book", "settings": settings,
        "mapping": MAPPING,
        "delivery": {k: v if isinstance(v, dict | int) else str(v) for k, v in hasty.items()},
    }  # fmt: skip


@pytest.fixture
def systems(planted: Planted) -> Iterator[dict[str, SandboxProcess]]:
    plant_secrets(planted)

    def secret(kind: str, name: str) -> str:
        return planted.canaries[f"{kind}.{name}"].value

    logins = {name: secret("rest", name) for _, name in REST_LOGINS.values()}
    central = secret(BUSINESS_CENTRAL.connector, "client_secret")
    with (
        start_sandbox("rest", **logins) as rest,
        XLEDGER.start(token=secret("xledger", "api_token"), burst_requests=1000) as xledger,
        BUSINESS_CENTRAL.start(client_secret=central) as business_central,
    ):
        yield {"rest": rest, "xledger": xledger, "central": business_central}


def test_no_secret_is_written_in_clear(
    planted: Planted, systems: dict[str, SandboxProcess], cluster: Cluster
) -> None:
    (planted.home / "jwt.yaml").write_text(
        json.dumps({"issuers": [{
            "issuer": "https://issuer.example", "audience": "authenticated",
            "algorithms": ["HS256"], "secret": "env:JWT_SECRET",
        }]})
    )  # fmt: skip
    planted.environment["BILAG_JWT_FILE"] = str(planted.home / "jwt.yaml")
    file = configuration(planted, systems)
    assert planted.bilag("apply", str(file), "--dry-run")[0] == 0
    assert planted.bilag("apply", str(file))[0] == 0
    _mistype(planted, file)
    token = _token(planted)
    port = free_port()
    url = f"http://127.0.0.1:{port}/api/v1"
    processes = [planted.start("serve", "--port", str(port)), planted.start("worker")]
    try:
        _wait_for(planted, url)
        person = planted.plant("a person's signed token", _signed(planted))
        assert planted.ask(f"{url}/status", "GET", person)[0] == 200
        _deliver_through_faults(planted, systems, url, token)
        _rotate(planted, systems, url, token)
        _ask_everything(planted, url, token)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            assert process.wait(60) is not None
    for command in READ_COMMANDS:
        planted.bilag(*command)
    for log in planted.home.glob("*.log"):
        planted.keep(log.name, log.read_bytes())
    _unwrap_keys(planted)
    dump = _dump(planted, cluster)
    planted.keep("pg_dump", dump)

    assert leaks(planted.canaries.values(), planted.written) == []
    # The search is only worth something if everything was there to be found.
    said = b"".join(planted.written.values())
    assert b"[secret]" in dump, "a system threw a secret back, and it was taken out"
    assert dump.count(b"INSERT INTO public.credentials ") >= 7
    assert said.count(b"wxyz") >= 7, "the last four characters are shown"
    assert len(planted.canaries) >= 20
    assert len(planted.written) >= 100
    _plant_leaks(planted, cluster)


def _mistype(planted: Planted, file: Path) -> None:
    """Write a secret where a reference belongs, as people do; it is refused and not repeated."""
    mistyped = planted.canaries["a mistyped credential"].value
    content = yaml.safe_load(file.read_text())
    content["organizations"][0]["integrations"][0]["credentials"]["api_key"] = mistyped
    wrong = planted.home / "mistyped.yaml"
    wrong.write_text(yaml.safe_dump(content))
    assert planted.bilag("apply", str(wrong))[0] != 0
    assert planted.bilag("set-credential", SLUG, "ledger", "api_key", "--from", mistyped)[0] != 0
    wrong.unlink()


def _token(planted: Planted) -> str:
    scopes = ("records:write", "exports:read", "exports:write", "configuration:read",
              "configuration:write")  # fmt: skip
    arguments = [part for scope in scopes for part in ("--scope", scope)]
    _, said = planted.bilag("token", SLUG, "--name", "app", *arguments, keep_output=False)
    return planted.plant("API token", said.split()[0])


def _signed(planted: Planted) -> str:
    issuer = Issuer(url="https://issuer.example")
    claims = {"iss": "https://issuer.example", "sub": "administrator-001"}
    return hmac_token(issuer, planted.environment["JWT_SECRET"].encode(), **claims)


def _wait_for(planted: Planted, url: str, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            planted.ask(f"{url}/openapi.json", "GET", "")
        except OSError:
            assert time.monotonic() < until, "serve does not answer"
            time.sleep(0.2)
        else:
            return


def _deliver_through_faults(
    planted: Planted, systems: dict[str, SandboxProcess], url: str, token: str
) -> None:
    """Hand over claims while every system misbehaves in every way that it knows."""
    for sandbox in systems.values():
        sandbox.faults(
            *(
                {"kind": kind, "on": place, "at": [position], "seconds": 0.1}
                for place in ("write", "read", "company", "token")
                # what echoes comes twice, first of all, since it is what all this is about
                for position, kind in enumerate(("echo", *KINDS), 1)
            )
        )
    lines = planted.home / "claims.ndjson"
    lines.write_text(
        "".join(json.dumps(record(f"I{number}", sourceSystem="app")) + "\n" for number in range(3))
    )
    assert planted.bilag("import", str(lines), "--organization", SLUG)[0] == 0
    until = time.monotonic() + 120
    for number in count(1):
        planted.ask(f"{url}/records", "POST", token, record(f"C{number}"))
        for key in (*REST_LOGINS, *LEDGERS):
            # it also takes back that a fault has stopped the integration
            planted.ask(f"{url}/integrations/{key}/connection-test", "POST", token)
        struck = {
            name: {fault["kind"] for fault in sandbox.faults()["faults"] if fault["struck"]}
            for name, sandbox in systems.items()
        }
        if all(len(kinds) >= len(KINDS) - 4 for kinds in struck.values()):
            break
        assert time.monotonic() < until, struck
    assert all("echo" in kinds for kinds in struck.values())
    for sandbox in systems.values():
        sandbox.clear_faults()


def _rotate(planted: Planted, systems: dict[str, SandboxProcess], url: str, token: str) -> None:
    """Put new secrets in place of old ones, over every way there is, good and refused ones."""
    place = f"{url}/integrations/ledger/credentials"

    def new(name: str) -> str:
        return planted.canaries[f"a {name} credential"].value

    def body(secret: str) -> dict[str, Any]:
        return {"credentials": {"api_key": {"secret": secret}}}

    def by_command(name: str) -> tuple[int, str]:
        source = f"env:{_variable('new', name)}"
        return planted.bilag("set-credential", SLUG, "ledger", "api_key", "--from", source)

    assert by_command("refused")[0] == 1
    assert planted.ask(place, "PUT", token, body(new("refused over REST")))[0] == 422
    systems["rest"].set(api_key=new("rotated"))
    until = time.monotonic() + 90
    while (tried := by_command("rotated"))[0]:
        # a test that did not pass in its ten seconds on a busy machine is tried again
        assert time.monotonic() < until, tried[1]
        time.sleep(1)
    systems["rest"].set(api_key=new("rotated over REST"))
    status, answer = planted.ask(place, "PUT", token, body(new("rotated over REST")))
    assert status == 200, answer
    assert planted.bilag("keys", "rotate", SLUG)[0] == 0


def _ask_everything(planted: Planted, url: str, token: str) -> None:
    """Ask every operation of the OpenAPI document, with a good token and with a bad one."""
    document = json.loads(planted.ask(f"{url}/openapi.json", "GET", token)[1])
    planted.ask(f"{url}/docs", "GET", token)
    operations = [
        (method.upper(), path.removeprefix("/api/v1"), operation["operationId"])
        for path, of in document["paths"].items()
        for method, operation in of.items()
    ]
    assert len(operations) >= 70
    for method, path, name in sorted(operations, key=lambda one: one[0] == "DELETE"):
        filled = path.format(**{**PLACES, "bookKey": "ledger-book"})
        query = QUERIES.get(name, "").format(**PLACES)
        address = f"{url}{filled}{'?' + query if query else ''}"
        status, answer = planted.ask(address, method, token, BODIES.get(name))
        assert status < 500 or status == 503, (name, answer)
        planted.ask(address, method, f"{token[:-1]}!", BODIES.get(name))
        if method == "GET" and "{exportId}" in path:
            for number in range(2, 9):
                one = path.replace("{exportId}", str(number))
                planted.ask(f"{url}{one}?include=attempts", "GET", token)


def _unwrap_keys(planted: Planted) -> None:
    """Add the keys that were made here, which nobody gave us: they may stand nowhere either."""
    organization = organization_id(SLUG)
    vault = open_vault(planted.home, planted.environment)
    with (
        psycopg.connect(planted.database.application_url) as connection,
        organization_scope(connection, organization),
    ):
        key = load_data_key(connection, vault, organization)
        planted.canaries["audit key"] = known("audit key", audit_key(key))


def _dump(planted: Planted, cluster: Cluster) -> bytes:
    """Return the whole database as SQL, written by PostgreSQL's own program."""
    program = find_binaries(chosen_binaries(), None).folder / "pg_dump"
    ran = subprocess.run(
        [program, "--inserts", "--no-owner", superuser_url(cluster, planted.database)],
        capture_output=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _plant_leaks(planted: Planted, cluster: Cluster) -> None:
    """Write secrets in clear, one in each form, and see them found: the search does search."""
    one = planted.canaries["rest.api_key"]
    escaped = urllib.parse.quote(one.value, safe="")
    basic = base64.b64encode(f"sandbox:{one.value}".encode()).decode()
    with psycopg.connect(planted.database.owner_url) as owner:
        for text, table in (
            (one.value, "books"), (escaped, "organizations"), (basic, "organization_integrations"),
        ):  # fmt: skip
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            assert owner.execute(f"UPDATE {table} SET name = %s", [text]).rowcount
        owner.execute("UPDATE api_tokens SET token_hash = %s", [one.value.encode()])
    found = leaks(planted.canaries.values(), {"pg_dump": _dump(planted, cluster)})
    assert {text.rpartition("(")[2].partition("+")[0].strip(")") for text in found} == {
        "clear", "hex", "base64",
    }  # fmt: skip
    assert all(text.startswith("pg_dump: rest.api_key (") for text in found)


@pytest.mark.parametrize("form", sorted(forms(b"0123456789abcdef01234567")))
def test_each_form_is_found_wherever_it_stands(form: str) -> None:
    one = canary("one")
    for around in range(5):
        content = b"x" * around + forms(one.core)[form] + b"y" * around
        assert leaks([canary("other"), one], {"here": content, "there": b"nothing"}) != []


def test_a_secret_is_found_whatever_stands_around_it() -> None:
    one = canary("one")
    texts = [
        json.dumps({"a": one.value}), urllib.parse.quote(one.value), repr(one.value),
        urllib.parse.quote_plus(one.value), one.value[2:34], one.value.encode().hex(),
    ]  # fmt: skip
    for before in range(4):
        whole = b"b" * before + one.value.encode() + b"c" * before
        texts += [base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode()]
    for text in texts:
        assert len(leaks([one], {"here": text.encode()})) == 1, text
    assert leaks([one], {"here": f"ends in {one.value[-4:]}".encode()}) == []
