"""Whoever tries tokens out is slowed down; nobody else is shut out (X3)."""

import pytest

from bilag.api.attempts import WINDOW_SECONDS, WRONG_MAX, Attempts

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
GOOD, NEW = b"good", b"new"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def guess(attempts: Attempts, address: str, times: int, first: int = 0) -> None:
    for number in range(first, first + times):
        attempts.wrong(address, b"%d" % number)


def test_an_address_with_many_wrong_tokens_has_to_wait(attempts: Attempts, clock: Clock) -> None:
    guess(attempts, HOME, WRONG_MAX - 1)
    assert attempts.wait_seconds(HOME, NEW) == 0
    clock.now = 20
    guess(attempts, HOME, 500, first=WRONG_MAX)
    assert attempts.wait_seconds(HOME, NEW) == WINDOW_SECONDS - 20
    assert attempts.wait_seconds(ELSEWHERE, NEW) == 0
    clock.now = WINDOW_SECONDS + 1
    assert attempts.wait_seconds(HOME, NEW) == 0, "one more try, since the first ones are old"
    guess(attempts, HOME, WRONG_MAX, first=1000)
    assert attempts.wait_seconds(HOME, NEW) > 0


def test_a_token_that_was_good_is_let_in_from_there_too(attempts: Attempts) -> None:
    attempts.good(GOOD)
    guess(attempts, HOME, 500)
    assert attempts.wait_seconds(HOME, GOOD) == 0
    assert attempts.wait_seconds(HOME, NEW) > 0
    attempts.wrong(ELSEWHERE, GOOD)  # it was revoked
    assert attempts.wait_seconds(HOME, GOOD) > 0


def test_the_same_wrong_token_again_and_again_counts_once(attempts: Attempts) -> None:
    for _ in range(10_000):
        attempts.wrong(HOME, b"expired")
    assert attempts.wait_seconds(HOME, NEW) == 0


def test_one_ipv6_line_is_one_place(attempts: Attempts) -> None:
    for number in range(WRONG_MAX):
        attempts.wrong(f"2001:db8:1:2::{number:x}", b"%d" % number)
    assert attempts.wait_seconds("2001:db8:1:2:ffff::1", NEW) > 0
    assert attempts.wait_seconds("2001:db8:1:3::1", NEW) == 0
    guess(attempts, f"::ffff:{HOME}", WRONG_MAX)
    assert attempts.wait_seconds(HOME, NEW) > 0


def test_what_is_kept_is_bounded(attempts: Attempts) -> None:
    for number in range(12_000):
        attempts.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", b"x")
        attempts.good(b"%d" % number)
    assert len(attempts._wrong) == len(attempts._known) == 10_000
    attempts.forget()
    assert len(attempts._wrong) == len(attempts._known) == 0
