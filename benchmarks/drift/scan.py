"""Ways to go through partitioned Parquet, each a program of its own: `python -m benchmarks.drift.scan WAY THREADS FILE...`.

Prints seconds of wall and processor and a checksum, as JSON. A thread takes a partition and goes from row group to row group, so
that what is in memory is a row group a thread, however many rows there are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift.data import FEATURES, TEXTS, as_columns
from ratchet.core.schema import Coded, Feature
from ratchet.drift.profile import Profile, merge, profile

_NAMES = [feature.name for feature in FEATURES]


def scanned(path: str) -> int:
    """Decode every cell with pyarrow and drop it: the limit of whoever reads the file with it."""
    return _scanned(path, ())


def scanned_coded(path: str) -> int:
    """The same with text as codes: less to decode, so a lower limit."""
    return _scanned(path, TEXTS)


def _scanned(path: str, coded: Sequence[str]) -> int:
    with pq.ParquetFile(path, read_dictionary=list(coded)) as file:
        return sum(file.read_row_group(group, columns=_NAMES, use_threads=False).num_rows for group in range(file.num_row_groups))


def profiled_as_stored(path: str) -> Profile:
    """The columns as the snapshot store gives them: text as objects."""
    return _profiled(path, (), as_columns)


def profiled_coded(path: str) -> Profile:
    """Text as codes: Parquet has it so, and pyarrow gives it so when asked."""
    return _profiled(path, TEXTS, as_coded_columns)


def as_coded_columns(drawn: pa.Table) -> dict[str, Any]:
    """Numbers as the snapshot store gives them, categories as codes."""
    return {
        feature.name: _coded(drawn[feature.name]) if feature.name in TEXTS else _numbers(drawn, feature) for feature in FEATURES
    }


def _coded(column: pa.ChunkedArray) -> Coded:
    array = column.unify_dictionaries().combine_chunks()
    return Coded(array.indices.fill_null(-1).to_numpy(zero_copy_only=False), array.dictionary.to_pylist())


def _numbers(drawn: pa.Table, feature: Feature) -> Any:
    return np.asarray(drawn[feature.name].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _profiled(path: str, coded: Sequence[str], columns_of: Callable[[pa.Table], dict[str, Any]]) -> Profile:
    done = Profile.empty(FEATURES)
    with pq.ParquetFile(path, read_dictionary=list(coded), page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            done = merge(done, profile(FEATURES, columns_of(file.read_row_group(group, columns=_NAMES, use_threads=False))))
    return done


WAYS: dict[str, Callable[[str], int | Profile]] = {
    "scan": scanned,
    "scan, text as codes": scanned_coded,
    "profile, text as objects": profiled_as_stored,
    "profile, text as codes": profiled_coded,
}


def go(way: str, threads: int, paths: Sequence[str]) -> dict[str, Any]:
    """All partitions, `threads` at a time."""
    wall, cpu = perf_counter(), process_time()
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(WAYS[way], paths))
    profiles = [part for part in parts if isinstance(part, Profile)]
    whole = merge(*profiles) if profiles else None
    rows = whole.rows if whole else sum(part for part in parts if isinstance(part, int))
    return {
        "wall": perf_counter() - wall,
        "cpu": process_time() - cpu,
        "rows": rows,
        "profile": whole.to_json() if whole else "",
    }


if __name__ == "__main__":
    print(json.dumps(go(sys.argv[1], int(sys.argv[2]), sys.argv[3:])))
