"""Real adapters, and two promoters at once whose candidates were compared with the same champion."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ratchet.core.errors import StaleComparison
from ratchet.promotion.reconcile import reconcile
from tests.support.promoters import Client, Promoters


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Promoters]:
    """Version 1 is in production, 2 and 3 are candidates."""
    made = Promoters(tmp_path_factory.mktemp("home"), versions=3)
    try:
        made.serve()
        assert made.promoter(1, champion=None).join() == 0
        yield made
    finally:
        made.stop()


def test_one_of_two_promotes_and_the_other_hears_that_its_comparison_is_stale(at: Promoters) -> None:
    with Client(at.settings.url).asking() as client:
        promoters = {candidate: at.promoter(candidate, champion=1) for candidate in (2, 3)}
        codes = {candidate: promoter.join() for candidate, promoter in promoters.items()}
        (winner,) = (candidate for candidate, code in codes.items() if code == 0)
        (loser,) = (candidate for candidate, code in codes.items() if code == StaleComparison.exit_code)
        at.assert_agree(winner)
    assert client.failures == []
    assert promoters[loser].error["message"] == (
        f"stale comparison: version {winner} is in production now, version {loser} was compared with version 1; run again"
    )
    assert at.states == ["intent", "done", "intent", "done", "stale"]
    effects = promoters[loser].effects
    assert effects[effects.index("hold") :] == ["hold", "trusted", "alias production", "append stale"]
    assert reconcile(at.production) == []
