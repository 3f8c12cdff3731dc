"""Events in words: what `ratchet history` and the page's history say of each record, also of one that cannot be read."""

import pytest

from ratchet.apps.wording import summary
from ratchet.core.events import KINDS, entry_of, read
from tests.support.stored import stored

STORED = {record.seq: record for record in stored()}
WORDS = {
    5: ("month_000 taken in", "7043 rows, 7043 labelled, 2024-01-31@de8dd9f61789"),
    6: ("RETRAIN", "no champion"),
    7: ("PASS: version 1 against none", "there is no champion: floor only; candidate AUC 0.856 > 0.550"),
    9: ("gate: none -> 1 done", "there is no champion: floor only; candidate AUC 0.856 > 0.550"),
    3: ("gate: none -> 1 failed", "version 1 did not start"),
    10: ("succeeded", "reached trigger, gate, promotion"),
    39: ("failed", "reached nothing; the store cannot be reached"),
    20: ("version 1", "live AUC 0.516 (0.367 to 0.666), 87 labelled answers"),
    21: ("version 2", "live AUC not known yet, 4 labelled answers"),
    25: ("run w1", "month_003 is new to version 1"),
    35: ("pods 7 -> 1", "pods were pinned to version 7, the alias names 1"),
    38: ("answers from before 2024-01-01 00:00 deleted", "12 of them"),
}


@pytest.mark.parametrize("seq", WORDS)
def test_a_record_of_release_0_1_has_the_words_of_that_release(seq: int) -> None:
    assert summary(entry_of(STORED[seq]).event) == WORDS[seq]


def test_each_kind_has_words_of_its_own() -> None:
    assert {STORED[seq].kind for seq in WORDS} == set(KINDS)


def test_what_cannot_be_read_is_shown_as_it_stands() -> None:
    assert summary(read("gate", {"verdict": "PASS", "form": 9})) == ("", "verdict PASS; form 9")
