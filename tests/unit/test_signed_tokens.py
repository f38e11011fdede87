"""Signed tokens of people's own sign-in: what is believed, and when keys are fetched (X3, X4)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bilag.app.jwt_issuers import fetch, open_signed_tokens
from bilag.core.problem import Refused
from bilag.tenants import issuers
from bilag.tenants.issuers import KeySet, KeysNotFetched
from bilag.tenants.signed_tokens import SignedTokens
from tests.issuers import (
    AUDIENCE,
    EC_KEY,
    HMAC_SECRET,
    RSA_KEY,
    SUBJECT,
    Issuer,
    hmac_token,
    jwk,
    running_issuer,
    write_issuers,
    wrong_tokens,
)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


def _opened(folder: Path, *entries: dict[str, Any], **environ: str) -> SignedTokens:
    path = write_issuers(folder / "issuers.yaml", *entries)
    found = open_signed_tokens({"BILAG_JWT_FILE": str(path), **environ})
    assert found is not None
    return found


def test_a_good_token_says_who_it_is(issuer: Issuer, tmp_path: Path) -> None:
    tokens = _opened(tmp_path, issuer.entry())
    assert tokens.subject(issuer.token()) == SUBJECT
    assert tokens.subject(issuer.token(EC_KEY, "ec-1", "ES256")) == SUBJECT
    assert tokens.subject(issuer.token(aud=["other", AUDIENCE])) == SUBJECT
    assert tokens.subject(issuer.token(exp=int(time.time()) - 20)) == SUBJECT, "within the leeway"
    assert issuer.requests == 1


def test_whatever_is_wrong_with_a_token_it_is_nobody(issuer: Issuer, tmp_path: Path) -> None:
    tokens = _opened(tmp_path, issuer.entry())
    believed = {why for why, token in wrong_tokens(issuer).items() if tokens.subject(token)}
    assert believed == set()
    assert issuer.requests == 1, "an unknown key does not make us ask more than once a minute"


def test_without_a_file_no_signed_token_is_taken() -> None:
    assert open_signed_tokens({}) is None


def test_a_shared_secret_only_where_it_is_configured(issuer: Issuer, tmp_path: Path) -> None:
    shared = issuer.entry(
        jwksUrl=None, secret="env:JWT_SECRET", algorithms=["HS256"], allowedNetworks=None
    )
    tokens = _opened(tmp_path, shared, JWT_SECRET=HMAC_SECRET)
    assert tokens.subject(hmac_token(issuer, HMAC_SECRET.encode())) == SUBJECT
    assert tokens.subject(hmac_token(issuer, b"guessed" * 8)) is None
    assert tokens.subject(issuer.token()) is None
    assert HMAC_SECRET not in repr(vars(tokens))
    assert issuer.requests == 0


def test_two_issuers_cannot_be_mistaken_for_each_other(issuer: Issuer, tmp_path: Path) -> None:
    with running_issuer() as other:
        tokens = _opened(
            tmp_path, issuer.entry(subjectPrefix="app:"), other.entry(subjectPrefix="intra:")
        )
        assert tokens.subject(issuer.token()) == f"app:{SUBJECT}"
        assert tokens.subject(other.token()) == f"intra:{SUBJECT}"
        assert tokens.subject(other.token(sub="admin@example.org")) == "intra:admin@example.org"
        other.keys = [jwk(EC_KEY, "rsa-1")]
        assert tokens.subject(issuer.token(iss=other.name)) == f"intra:{SUBJECT}", "keys are kept"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"jwksUrl": None}, "issuer_keys"),
        ({"secret": "env:JWT_SECRET"}, "issuer_keys"),
        ({"algorithms": ["HS256"]}, "issuer_algorithms"),
        ({"algorithms": ["none"]}, "issuer_algorithms"),
        ({"jwksUrl": None, "secret": "env:JWT_SECRET"}, "issuer_algorithms"),
        ({"jwksUrl": None, "secret": "env:SHORT", "algorithms": ["HS256"]}, "issuer_secret_short"),
        ({"jwksUrl": None, "secret": HMAC_SECRET, "algorithms": ["HS256"]}, "secret_literal"),
        ({"jwksUrl": None, "secret": "env:GONE", "algorithms": ["HS256"]}, "secret_not_set"),
        ({"algorithms": []}, "value_not_valid"),
        ({"jwksUrl": "ftp://127.0.0.1/keys"}, "value_not_valid"),
        ({"audience": None}, "key_missing"),
        ({"role": "admin"}, "key_unknown"),
        ({"leewaySeconds": 3600}, "value_not_valid"),
        ({"allowedNetworks": ["everything"]}, "network_not_valid"),
    ],
)
def test_a_fault_of_the_file_is_told_with_its_place(
    issuer: Issuer, tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        _opened(tmp_path, issuer.entry(**changes), JWT_SECRET=HMAC_SECRET, SHORT="x" * 31)
    assert code in [problem.code for problem in refused.value.problems]
    text = refused.value.text()
    assert "BILAG_JWT_FILE issuers[1]" in text
    assert HMAC_SECRET not in text
    assert all(problem.line for problem in refused.value.problems)


def test_issuers_that_could_be_mistaken_are_refused(issuer: Issuer, tmp_path: Path) -> None:
    for first, second in (("", "app:"), ("app:", "app:x"), ("", "")):
        with running_issuer() as other, pytest.raises(Refused) as refused:
            _opened(tmp_path, issuer.entry(subjectPrefix=first), other.entry(subjectPrefix=second))
        assert [one.code for one in refused.value.problems] == ["issuer_prefixes"]
    with pytest.raises(Refused) as refused:
        _opened(tmp_path, issuer.entry(subjectPrefix="a"), issuer.entry(subjectPrefix="b"))
    assert [one.code for one in refused.value.problems] == ["issuer_twice"]


@pytest.mark.parametrize(
    "answer",
    [
        (302, b"", {"Location": "/auth/v1/.well-known/jwks.json?again"}),
        (500, b"", {}),
        (404, b"{}", {}),
        (200, b"<html>", {}),
        (200, b"[]", {}),
        (200, b'{"keys"', {}),
        (200, b"x" * (5 * 1024 * 1024), {}),
    ],
)
def test_keys_that_cannot_be_had_let_nobody_in(
    issuer: Issuer, tmp_path: Path, answer: tuple[int, bytes, dict[str, str]]
) -> None:
    tokens = _opened(tmp_path, issuer.entry())
    issuer.answer = answer
    for _ in range(3):
        with pytest.raises(KeysNotFetched) as refused:
            tokens.subject(issuer.token())
        assert 0 < refused.value.retry_seconds <= issuers.PAUSE_SECONDS
    assert issuer.requests == 1, "a redirect is not followed, and a failure is not repeated at once"


def test_keys_on_a_private_network_only_where_the_operator_says_so(
    issuer: Issuer, tmp_path: Path
) -> None:
    tokens = _opened(tmp_path, issuer.entry(allowedNetworks=None))
    with pytest.raises(KeysNotFetched, match="private or local"):
        tokens.subject(issuer.token())
    assert issuer.requests == 0


def test_a_slow_issuer_holds_nobody_up_for_long(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bilag.app.jwt_issuers.FETCH_SECONDS", 0.3)
    tokens = _opened(tmp_path, issuer.entry())
    issuer.delay = 1.0
    started = time.monotonic()
    with pytest.raises(KeysNotFetched):
        tokens.subject(issuer.token())
    assert time.monotonic() - started < 0.9


def test_many_requests_at_once_fetch_the_keys_once(issuer: Issuer, tmp_path: Path) -> None:
    tokens = _opened(tmp_path, issuer.entry())
    issuer.delay = 0.2
    good = issuer.token()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tokens.subject, [good] * 24)) == {SUBJECT}
    assert issuer.requests == 1


def test_keys_are_kept_for_ten_minutes_and_asked_for_again_once_a_minute(issuer: Issuer) -> None:
    now = [0.0]
    keys = KeySet(_issuer(issuer), fetch, lambda: now[0])
    for _ in range(3):
        assert keys.key("rsa-1", "RS256") is not None
        assert keys.key("rsa-2", "RS256") is None
    assert issuer.requests == 1, "the keys were fetched just now"
    now[0] = issuers.ASK_AGAIN_SECONDS
    issuer.keys = [jwk(RSA_KEY, "rsa-2")]
    for _ in range(3):
        assert keys.key("rsa-2", "RS256") is not None, "keys were changed at the issuer's"
        assert keys.key("rsa-1", "RS256") is None, "and the old one is gone"
    assert issuer.requests == 2
    now[0] += issuers.KEPT_SECONDS
    issuer.answer = (503, b"", {})
    with pytest.raises(KeysNotFetched):
        keys.key("rsa-2", "RS256")
    issuer.answer = None
    with pytest.raises(KeysNotFetched):
        keys.key("rsa-2", "RS256")
    assert issuer.requests == 3, "a failure is not repeated at once"
    now[0] += issuers.PAUSE_SECONDS
    assert keys.key("rsa-2", "RS256") is not None
    assert issuer.requests == 4


def _issuer(issuer: Issuer) -> issuers.Issuer:
    return issuers.Issuer(
        issuer.name, AUDIENCE, ("RS256",), f"{issuer.name}/keys",
        allowed_networks=["127.0.0.1/32"],
    )  # fmt: skip


def test_a_key_is_used_for_what_it_is(issuer: Issuer) -> None:
    keys = KeySet(_issuer(issuer), fetch)
    assert keys.key("rsa-1", "ES256") is None
    assert keys.key("rsa-1", "RS384") is None
    assert keys.key("ec-1", "ES256") is not None
    assert keys.key("ec-1", "ES384") is None, "a P-256 key"
    assert keys.key("oct-1", "HS256") is None
