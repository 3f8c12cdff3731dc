import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.holdout import bucket, held_out


@given(st.text(min_size=1), st.text())
def test_the_bucket_is_the_designs_formula(salt: str, entity: str) -> None:
    try:
        digest = hashlib.sha256((salt + entity).encode()).hexdigest()
    except UnicodeEncodeError:
        return
    assert bucket(salt, entity) == int(digest, 16) % 10_000


def test_the_holdout_is_close_to_its_share_and_independent_of_order() -> None:
    users = [f"U{number:07d}" for number in range(20_000)]
    mask = held_out("salt", 0.2, users)
    assert 0.19 < mask.mean() < 0.21
    assert np.array_equal(held_out("salt", 0.2, users[::-1]), mask[::-1])


def test_a_larger_share_holds_out_the_same_entities_and_more() -> None:
    users = [f"U{number:07d}" for number in range(5_000)]
    assert np.all(held_out("salt", 0.3, users) >= held_out("salt", 0.2, users))


def test_another_salt_makes_another_holdout() -> None:
    users = [f"U{number:07d}" for number in range(5_000)]
    both = held_out("one", 0.2, users) & held_out("two", 0.2, users)
    assert 0.02 < both.mean() < 0.06
