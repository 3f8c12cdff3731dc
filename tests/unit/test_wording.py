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
    assert {STORED[seq].kind for seq in WORDS} == set(KINDS) - {"measure", "train"}  # which came after that release


def test_a_measurement_names_version_month_and_figures() -> None:
    body = {"snapshot": "2024-02-29@b", "snapshot_hash": "h", "version": 1, "role": "previous", "rows": 1400, "counts": {}}
    figures = {"metric": "auc", "confidence": 0.98, "value": 0.75, "se": 0.01, "low": 0.73, "high": 0.77}
    known = read("measure", {**body, **figures, "against": 2, "delta": -0.02, "delta_se": 0.01, "form": 2, "model": "m"})
    assert summary(known) == (
        "version 1 on 2024-02-29",
        "previous: AUC 0.750 (0.730 to 0.770), -0.020 against version 2, 1400 labelled rows",
    )


def test_what_cannot_be_read_is_shown_as_it_stands() -> None:
    assert summary(read("gate", {"verdict": "PASS", "form": 9})) == ("", "verdict PASS; form 9")
