"""An entity has one spelling, whoever writes it."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.clients import arrow_keys
from ratchet.core.entity_key import alike, key_of, spelled, spellings, wrong_with


@pytest.mark.parametrize(
    "written",
    [
        1000,
        1000.0,
        "1000",
        "1000.0",
        "1000.",
        " 1000",
        "1000\t",
        "\ufeff1000",
        "1000\u200b",
        Decimal(1000),
        Decimal("1000.00"),
        b"1000",
    ],
)
def test_a_whole_number_is_one_key_however_it_is_written(written: object) -> None:
    assert key_of(written) == "1000"
    assert key_of(np.int32(1000)) == key_of(np.float32(1000)) == key_of(np.uint64(1000)) == "1000"


@pytest.mark.parametrize(
    "key", ["007", "+4912345", "12e5", "1.10", "c1", "C1", "7590-VHVEG", "U0000001", "a.0", "v1.0", "0x1f", "-1", "NA"]
)
def test_what_is_no_number_stays_as_it_is_written(key: str) -> None:
    assert spelled(key) == key


def test_composed_and_decomposed_letters_are_one_key() -> None:
    assert spelled("Zoe\u0308") == spelled("Zo\u00eb") == "Zo\u00eb"
    assert spelled("-0.0") == "0"


@pytest.mark.parametrize(
    "value", [True, np.bool_(0), 1.5, float("nan"), float("inf"), 2.0**53, Decimal("1.5"), Decimal("NaN"), b"\xff", None, []]
)
def test_a_value_that_may_be_several_keys_or_none_is_no_key(value: object) -> None:
    assert key_of(value) is None


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("x" * 257, "longer than 256"),
        ("two\nlines", "line break"),
        ("a\u2028b", "line break"),
        ("del\x7fete", "control"),
        ("1.5e+16", "scientific"),
    ],
)
def test_a_key_that_no_request_could_name_is_told(key: str, why: str) -> None:
    assert why in wrong_with(key)


def test_a_name_is_a_key() -> None:
    assert [wrong_with(key) for key in ("7590-VHVEG", "x" * 256, "Zo\u00eb", "a b", "12e5")] == [""] * 5


def test_keys_that_differ_by_spelling_alone_are_alike() -> None:
    assert len({alike(key) for key in ("C-01000", "c1000", "C 1000", "c_001000", "\uff231000")}) == 1
    assert len({alike(key) for key in ("1000", "10000", "1001", "0")}) == 4


def test_how_earlier_releases_kept_a_number_is_known() -> None:
    assert spellings("1000") == ("1000", "1000.0")
    assert spellings("c1") == ("c1",)


@given(st.lists(st.text(max_size=12) | st.from_regex(r"-?[0-9]{1,4}\.?0{0,2}", fullmatch=True), max_size=20))
def test_arrow_and_python_spell_alike(keys: list[str]) -> None:
    keys = [key for key in keys if not any(0xD800 <= ord(letter) < 0xE000 for letter in key)]
    found = arrow_keys.respelled(pa.array(keys, pa.string())).to_pylist()
    assert found == [spelled(key) or None for key in keys]
    assert [spelled(key) for key in map(spelled, keys)] == [spelled(key) for key in keys]
