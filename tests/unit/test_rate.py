from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.bodies import Refused
from serving.rate import LONGEST_DEBT, Exceeded, RateLimit
from tests.unit.test_serving_api import Server


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def let_in(limit: RateLimit, requests: int) -> int:
    """How many of so many requests at one moment are let in."""

    def passes(_: int) -> bool:
        try:
            limit.enter()
        except Exceeded:
            return False
        return True

    return sum(map(passes, range(requests)))


def test_a_seconds_worth_is_let_in_at_once_and_then_what_the_rate_gives() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    assert let_in(limit, 30) == 10
    clock.now += 0.35
    assert let_in(limit, 30) == 4  # the fourth by the half that is there
    clock.now += 3600
    assert let_in(limit, 30) == 10


def test_a_batch_larger_than_a_second_is_answered_and_paid_back() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    limit.enter()
    limit.charge(39)
    with pytest.raises(Exceeded, match="more than 10 entities a second are asked for: try again in 3 s") as refused:
        limit.enter()
    assert (refused.value.status, refused.value.delay) == (429, 3)
    clock.now += 3.1
    limit.enter()


def test_batches_that_came_in_together_owe_one_batch_and_no_more() -> None:
    clock = Clock()
    limit = RateLimit(2000, clock)
    assert let_in(limit, 200) == 200  # their bodies are still to be read

    def charged(_: int) -> bool:
        try:
            limit.charge(999)
        except Exceeded:
            return False
        return True

    assert sum(map(charged, range(200))) == 2
    clock.now += 0.6  # where it was 95 s
    assert let_in(limit, 1) == 1


def test_a_batch_that_would_hold_up_everybody_for_longer_than_the_bound_is_refused() -> None:
    limit = RateLimit(5, Clock())
    limit.enter()
    with pytest.raises(Refused, match="a batch of 1000 entities is too large for 5 a second: send 51 at most") as refused:
        limit.charge(999)
    assert refused.value.status == 422
    limit.charge(int(5 * LONGEST_DEBT))


def test_without_a_rate_everything_is_let_in() -> None:
    limit = RateLimit(0)
    limit.charge(10**9)
    assert let_in(limit, 1000) == 1000


@given(
    st.floats(0.1, 1e4),
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50), st.integers(0, 1000)), max_size=30),
)
def test_over_any_time_no_more_is_answered_than_the_rate_one_second_and_the_last_request(
    rate: float, steps: list[tuple[float, int, int]]
) -> None:
    clock = Clock()
    limit = RateLimit(rate, clock)
    answered, largest, start = 0, 1, clock.now
    for wait, requests, batch in steps:
        clock.now += wait
        answered += let_in(limit, requests)
        if let_in(limit, 1):
            answered += 1
            with contextlib.suppress(Refused):  # too large for the rate at any time
                limit.charge(batch)
                answered, largest = answered + batch, max(largest, 1 + batch)
        assert answered <= (rate * (clock.now - start + 1) + largest) * (1 + 1e-9)


@pytest.fixture
def limited(tmp_path: Path) -> Callable[..., Server]:
    return lambda **rates: Server(tmp_path, **rates).ready()


def test_a_client_beyond_the_rate_hears_when_to_come_back_and_counted(limited: Callable[..., Server]) -> None:
    server = limited(rate=RateLimit(2, Clock()))
    statuses = [server.client.post("/predict", json={"customer": "anna"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = server.client.post("/explain", json={"customer": "anna"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json() == {"error": "more than 2 entities a second are asked for: try again in 1 s"}
    lines = server.client.get("/metrics").text.splitlines()
    assert 'ratchet_refused_total{route="predict",status="429",version="1"} 1.0' in lines
    assert 'ratchet_refused_total{route="explain",status="429",version="1"} 1.0' in lines
    assert server.client.get("/health").status_code == 200
    server.close()


def test_each_entity_of_a_batch_counts(limited: Callable[..., Server]) -> None:
    clock = Clock()
    server = limited(rate=RateLimit(2, clock))
    assert server.client.post("/predict_batch", json=[{"customer": "anna"}] * 5).status_code == 200
    clock.now += 1
    assert server.client.post("/predict", json={"customer": "anna"}).status_code == 429
    clock.now += 1
    assert server.client.post("/predict", json={"customer": "anna"}).status_code == 200
    server.close()


def test_a_promotion_still_learns_what_serves_while_clients_use_up_the_rate(limited: Callable[..., Server]) -> None:
    server = limited(rate=RateLimit(1, Clock()), probes=RateLimit(2, Clock()))
    probe = {"x-ratchet-probe": "1"}
    assert [server.client.post("/predict", json={"customer": "anna"}).status_code for _ in range(2)] == [200, 429]
    asked = [server.client.post("/predict", json={"customer": "anna"}, headers=probe).status_code for _ in range(3)]
    assert asked == [200, 200, 429]  # nor is the header a way round
    server.close()


def test_probes_beyond_their_own_rate_count_as_clients_do(limited: Callable[..., Server]) -> None:
    server = limited(rate=RateLimit(3, Clock()), probes=RateLimit(2, Clock()))
    probe = {"x-ratchet-probe": "1"}
    asked = [server.client.post("/predict", json={"customer": "anna"}, headers=probe).status_code for _ in range(6)]
    assert asked == [200] * 5 + [429]
    assert server.client.post("/predict", json={"customer": "anna"}).status_code == 429
    server.close()
