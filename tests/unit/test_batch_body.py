"""A batch's body is read item by item, with turns of the loop in between, and to the same items as whole."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from serving.batch_body import SPAN, read_batch
from serving.bodies import MAX_OBJECTS, Refused


def read(body: bytes | str, most: int = 5, longest: int = 1000) -> list[Any]:
    sent = body if isinstance(body, bytes) else body.encode()
    return asyncio.run(read_batch(sent, "customer", most, longest, counted=True))


WHOLE = [{"a": 1}, {"a": 'x"]},{['}, {}, [], 3, -1.5e3, "é€😀", None, True, {"a": {"b": [1, {"c": 2}]}}]


@pytest.mark.parametrize("indent", [None, 3])
@pytest.mark.parametrize("longest", [46, 47, 48, 60, 1000])
def test_the_items_are_those_that_the_body_has_wherever_a_window_ends(longest: int, indent: int | None) -> None:
    for ascii_alone in (True, False):
        for before in range(24):
            text = " " * before + json.dumps(WHOLE, indent=indent, ensure_ascii=ascii_alone) + "\r\n\t "
            assert read(text, most=10, longest=longest + 80 * (indent is not None)) == WHOLE
    assert read(" [ ] ") == []


def test_a_number_is_not_cut_in_two_by_a_windows_end() -> None:
    for before in range(20):
        assert read("[" + " " * before + "123456789, 987654321]", longest=12) == [123456789, 987654321]


def test_nothing_is_read_after_the_item_that_is_too_many() -> None:
    body = "[" + "{}," * 6 + "no JSON"
    with pytest.raises(Refused, match="6 entities and more are more than the 5 that one batch may have") as refused:
        read(body)
    assert refused.value.status == 422
    with pytest.raises(Refused, match="6 entities are more than the 5"):
        read("[" + "{}," * 5 + "{}]")
    assert read("[" + "{}," * 4 + "{}]") == [{}] * 5


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ("", 400, "Expecting value: line 1 column 1 (char 0)"),
        ("[", 400, "Expecting value: line 1 column 2 (char 1)"),
        ("[{}", 400, "Expecting ',' delimiter: line 1 column 4 (char 3)"),
        ("[{} {}]", 400, "Expecting ',' delimiter: line 1 column 5 (char 4)"),
        ("[{},]", 400, "Expecting value: line 1 column 5 (char 4)"),
        ("[{}] {}", 400, "Extra data: line 1 column 6 (char 5)"),
        ('[{}, {"a" 1}]', 400, "Expecting ':' delimiter: line 1 column 11 (char 10)"),
        ("[{},\n  nothing]", 400, "Expecting value: line 2 column 3 (char 7)"),
        ('[{"a": NaN}]', 400, "NaN is no JSON value"),
        (b"[\xff]", 400, "can't decode byte 0xff"),
        ("[" + "[" * 900 + "]" * 900 + "]", 413, "entity 1 of the batch is larger than 1000 bytes"),
        ("nothing", 400, "Expecting value"),
        ("{}", 422, "must be a list of entities"),
        ("{" + " " * 2000, 422, "must be a list of entities"),
        ('[{}, "' + "x" * 2000 + '"]', 413, "entity 2 of the batch is larger than 1000 bytes"),
        ('["' + "x" * 2000, 413, "entity 1 of the batch is larger than 1000 bytes"),
        ("[" + "9" * 2000 + "]", 413, "entity 1 of the batch is larger than 1000 bytes"),
        ("[{}, [" + "[]," * 2000 + "[]]]", 413, "entity 2 of the batch is larger than 1000 bytes"),
        ("[" + " " * 3000 + "nothing, " + "1" * 3000, 400, "Expecting value: line 1 column 3002 (char 3001)"),
    ],
)
def test_what_is_no_batch_is_refused_in_one_sentence(body: bytes | str, status: int, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        read(body)
    assert (refused.value.status, sentence in str(refused.value)) == (status, True)


def test_an_item_of_objects_without_end_is_refused_before_they_are_all_made() -> None:
    most = "{}," * (MAX_OBJECTS - 2) + "{}"
    assert len(read(f'[{{"a": [{most}]}}, {{"a": [{most}]}}]', longest=10_000)) == 2
    with pytest.raises(Refused, match="more than 1000 objects") as refused:
        read(f'[{{"a": [{most},{{}},{{}},no JSON', longest=10_000)
    assert refused.value.status == 422


def test_the_loop_turns_while_a_large_batch_is_read() -> None:
    item = {"features": {f"number_{number}": number for number in range(300)}}
    body = json.dumps([item] * 400).encode()

    async def case() -> tuple[int, int]:
        reading = asyncio.create_task(read_batch(body, "customer", 400, 10_000, counted=True))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)  # as often could a probe be answered
            turns += 1
        return turns, len(reading.result())

    turns, items = asyncio.run(case())
    assert items == 400
    assert turns > len(body) // (2 * SPAN)
