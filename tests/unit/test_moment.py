"""When something was observed, as people's files write it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from ratchet.core.moment import seconds

END = datetime(2026, 11, 27, 23, 59, 59, 999999, tzinfo=UTC).timestamp()
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "written", ["2026-11-27", "20261127", " 2026-11-27 ", "2026-W48-5", "2026W485", "2026-331", 20261127, date(2026, 11, 27)]
)
def test_a_date_is_the_end_of_its_day(written: object) -> None:
    assert seconds(written) == END


def test_a_week_and_a_month_are_their_ends() -> None:
    assert seconds("2026-W48") == END + 2 * 86400
    assert seconds("2026-11") == END + 3 * 86400


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-27T12:00:00Z",
        "2026-11-27 12:00:00",
        "2026-11-27T12:00",
        "2026-11-27T12",
        "2026-11-27t12:00:00z",
        "20261127T120000Z",
        "20261127T1200",
        "2026-11-27T12:00:00.000000000Z",
        "2026-11-27T12:00:00,0",
        "2026-11-27 12:00:00 UTC",
        "2026-11-27 12:00:00 GMT",
        "2026-11-27T13:00:00+01:00",
        "2026-11-27 13:00:00+01",
        "2026-11-27T17:30:00+0530",
        "2026-11-27 13:00:00 +01:00",
        "2026-11-27T07:00:00-05:00",
        "2026-W48-5T12:00:00Z",
        datetime(2026, 11, 27, 12, tzinfo=UTC),
    ],
)
def test_a_time_is_read_in_every_form_that_iso_has(written: object) -> None:
    assert seconds(written) == NOON


@pytest.mark.parametrize("written", ["2026-11-27T24:00", "2026-11-27T24:00:00Z", "2026-11-27 24:00:00.0", "20261127T240000"])
def test_the_hour_24_is_the_next_midnight(written: str) -> None:
    assert seconds(written) == NOON + 43200


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_a_number_counts_from_the_epoch_in_the_unit_that_makes_a_date_of_it(unit: int) -> None:
    number = int(NOON) * unit
    assert [seconds(number), seconds(str(number)), seconds(float(number)), seconds(f"{number}.0"), seconds(np.int64(number))] == [
        NOON
    ] * 5
    assert seconds("1795780800.25") == NOON + 0.25


@pytest.mark.parametrize(
    "written", ["soon", "27.11.2026", "11/27/2026", "2026", "7", "2026-13", "2026-00", "2026-366", "2026-11-31", "12:00", "1e9x"]
)
def test_what_may_mean_several_moments_or_none_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whose sentence whoever reads a file gives
        seconds(written)


@pytest.mark.parametrize("written", [None, "", " ", float("nan")])
def test_nothing_is_no_moment(written: object) -> None:
    assert seconds(written) is None
