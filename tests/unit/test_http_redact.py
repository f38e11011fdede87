"""Secrets in texts of other systems: known ones in every spelling, unknown ones by their looks.

A redacted text must still be readable by the person who has to act on it.
"""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilag.connectors.redact import Redactor

SECRET = 'pw&p%s/ s"w\\ord-ø4471'


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        "pw%26p%25s%2f%20s%22w%5cord-%c3%b84471",
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_goes_in_every_spelling(spelling: str) -> None:
    text = Redactor([SECRET])(f"you sent {spelling} to us")
    assert text == "you sent [secret] to us"


@given(st.text(min_size=4, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_known_secret_never_survives(secret: str, before: str, after: str) -> None:
    redacted = Redactor([secret])(before + secret + after)
    assert secret not in redacted.replace("[secret]", "")


def test_a_token_that_was_just_issued_goes_too() -> None:
    redact = Redactor()
    redact.add("a-new-token-77")
    redact.add("")
    assert redact("got a-new-token-77") == "got [secret]"


def test_many_tokens_do_not_push_a_lasting_secret_out() -> None:
    redact = Redactor(["lasting-secret"])
    for number in range(100):
        redact.add(f"passing-{number}-{number}", passing=True)
    assert redact("lasting-secret passing-99-99") == "[secret] [secret]"
    assert redact("passing-0-0") == "passing-0-0"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: [secret]"),
        ("used Bearer abcdef123456 here", "used Bearer [secret] here"),
        ('{"access_token": "x\\"y z", "a": 1}', '{"access_token": [secret], "a": 1}'),
        ("{'password': 'let me in'}", "{'password': [secret]}"),
        ("client_secret=abcd%20ef&scope=x", "client_secret=[secret]&scope=x"),
        ("api-key: 12345", "api-key: [secret]"),
    ],
)
def test_what_looks_like_a_secret_goes(text: str, redacted: str) -> None:
    assert Redactor()(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "Invalid cost center code: 9999",
        "token expired yesterday",
        "password incorrect",
        "basic authentication is not supported here",
        '{"error":"invalid_token","token_type":"Bearer"}',
        "Invalid API key provided",
        "Konto 7140 finnes ikke",
    ],
)
def test_words_for_people_stay(text: str) -> None:
    assert Redactor(["another-secret"])(text) == text
