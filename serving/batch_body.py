"""A batch's body, read item by item: no more of it than a batch may have, and never for long before the loop turns."""

from __future__ import annotations

import asyncio
import re
from json import JSONDecodeError
from typing import Any

from serving.bodies import Refused, decoder_of, json_in, not_json

SPAN = 64 * 1024  # characters of a batch that are read before the loop turns: 5 ms

_BLANK = re.compile(r"[ \t\n\r]*")
_LAST = 16  # characters: where JSON is cut off it is found wrong within so many of the cut, or in a text that does not end


async def read_batch(body: bytes, key: str, most: int, longest: int, *, counted: bool) -> list[Any]:
    """The items of a batch, as `json_in` would read each.

    A list of a million empty objects is a small body that takes seconds to parse. So no item is read after the one that is too
    many, and an item is looked for in so much text alone as a body with one entity may have.

    Args:
        body: JSON, of which what lies behind too many items is not looked at.
        key: the entity key, for sentences.
        most: items.
        longest: characters of an item.
        counted: whether names are counted, as in `json_in`.

    Raises Refused: 400 for no JSON, 413 for an item that is too large, 422 for too many items or no list.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise not_json(error) from error
    reading = _Reading(text, longest, counted=counted)
    if not reading.take("["):
        if len(text) <= longest:
            json_in(body, counted=counted)  # it may be no JSON at all
        raise Refused(422, f'the body must be a list of entities: [{{"{key}": "..."}}, ...]')
    items: list[Any] = []
    turned = reading.at
    closed = reading.take("]")
    while not closed:
        items.append(reading.item(len(items) + 1))
        closed = reading.take("]")
        if len(items) > most:
            found = f"{len(items)} entities" if closed else f"{len(items)} entities and more"
            raise Refused(422, f"{found} are more than the {most} that one batch may have: send several batches")
        if not closed and not reading.take(","):
            raise reading.wrong("Expecting ',' delimiter")
        if reading.at - turned >= SPAN:
            turned = reading.at
            await asyncio.sleep(0)
    if reading.at < len(text):
        raise reading.wrong("Extra data")
    return items


class _Reading:
    """Where the reading of a text stands. Items are read in windows of it, because a decoder stops nowhere before an item's end."""

    def __init__(self, text: str, longest: int, *, counted: bool) -> None:
        self._text, self._longest, self._counted = text, longest, counted
        self._start, self._window = 0, self._from(0)
        self.at = 0  # no blank stands there
        self._skip(0)

    def take(self, mark: str) -> bool:
        """Whether the mark stands here; if so it is passed."""
        found = self._text.startswith(mark, self.at)
        if found:
            self._skip(self.at + 1)
        return found

    def item(self, number: int) -> Any:
        """The value that stands here, the batch's `number`-th, which is passed."""
        found = self._in_window()
        if found is None and self.at > self._start:
            self._start, self._window = self.at, self._from(self.at)
            found = self._in_window()
        if found is None:
            raise Refused(413, f"entity {number} of the batch is larger than {self._longest} bytes: send it shorter")
        value, end = found
        self._skip(self._start + end)
        return value

    def wrong(self, what: str) -> Refused:
        """What is no JSON, and where."""
        return not_json(JSONDecodeError(what, self._text, self.at))

    def _in_window(self) -> tuple[Any, int] | None:
        """The value and its end in the window; None where the window may have cut it off. Raises Refused."""
        whole = self._start + len(self._window) >= len(self._text)
        begin = self.at - self._start
        if begin >= len(self._window) and not whole:
            return None
        try:
            value, end = decoder_of(counted=self._counted).raw_decode(self._window, begin)
        except JSONDecodeError as error:
            if not whole and (error.msg.startswith("Unterminated") or error.pos > len(self._window) - _LAST):
                return None
            raise not_json(JSONDecodeError(error.msg, self._text, self._start + error.pos)) from error
        except (ValueError, RecursionError) as error:
            raise not_json(error) from error
        return None if not whole and end > len(self._window) - _LAST else (value, end)  # `1.` is 1, until `1.5` is there

    def _from(self, at: int) -> str:
        return self._text[at : at + self._longest + _LAST]

    def _skip(self, to: int) -> None:
        blank = _BLANK.match(self._text, to)
        self.at = blank.end() if blank else to
