"""The benchmarks' own measuring."""

from __future__ import annotations

from subprocess import CalledProcessError

import numpy as np
import pytest

from benchmarks.harness import child, peak_mib


def test_a_childs_peak_is_its_own_and_not_its_parents() -> None:
    held = np.ones(40_000_000)
    assert peak_mib() > held.nbytes / 2**20
    done = child("platform")  # ends by sys.exit, as programs do
    assert done.output.strip()
    assert 5 < done.peak_mib < 150


def test_a_child_that_fails_is_an_error() -> None:
    with pytest.raises(CalledProcessError):
        child("no_such_module")
