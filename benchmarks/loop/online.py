"""`python -m benchmarks.loop.online`: a month into the online store, in bulk and by Feast's own write; seconds.

Two shapes: StreamFlow's, 13 features a user, and rows of 1,503 columns. Each is loaded into an empty store, and then a second month
over the first. Feast's own write takes minutes: it is measured on fewer rows, and given like the rest in microseconds a row of the
store, which has one an entity and feature. RATCHET_TEST_POSTGRES (tests/support/addresses.py) adds PostgreSQL; the processor's
seconds are this process's, without the server's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import peak_mib, write
from ratchet.core.schema import DType, Feature, Snapshot
from ratchet.features import bulk_load
from ratchet.features.feast_features import FeastFeatures
from ratchet.snapshots.layout import EVENT_TIMESTAMP, FEATURES, event_time, folder_name
from tests.support.addresses import POSTGRES, fresh_database

DAYS = (date(2024, 1, 31), date(2024, 2, 29))
NARROW = [DType.INT] * 6 + [DType.FLOAT] * 3 + [DType.BOOL] * 3 + [DType.CATEGORY]  # as StreamFlow's are
WIDE = [DType.FLOAT, DType.INT, DType.FLOAT] * 501


def month(day: date, rows: int, features: list[Feature]) -> pa.Table:
    """Random cells, sorted by key as snapshots are."""
    random = np.random.default_rng(day.month)
    make = {
        DType.INT: lambda: pa.array(random.integers(0, 1000, rows)),
        DType.FLOAT: lambda: pa.array(random.gamma(2, 30, rows).round(2)),
        DType.BOOL: lambda: pa.array(random.random(rows) < 0.5, pa.bool_(), mask=random.random(rows) < 0.1),
        DType.CATEGORY: lambda: pa.array(random.choice(np.array(["DSL", "Fiber optic", "No"], dtype=object), rows)),
    }
    cells = {feature.name: make[feature.dtype]() for feature in features}
    times = pa.array([event_time(day)] * rows, pa.timestamp("us", "UTC"))
    return pa.table({"user_id": [f"user-{number:08}" for number in range(rows)], **cells, EVENT_TIMESTAMP: times})


def by_feast(store: Any, view: Any, batches: Iterable[pa.Table]) -> None:
    """The load as releases before the bulk load had it."""
    exact = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    for batch in batches:
        store.write_to_online_store(view.name, df=batch.to_pandas(types_mapper=exact.get))


def measure(rows: int, dtypes: list[DType], url: str, *, feasts: bool) -> list[dict[str, float]]:
    """Each month's load."""
    features = [Feature(f"feature_{number:04}", dtype) for number, dtype in enumerate(dtypes)]
    told = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for day in DAYS:
            place = root / "snapshots" / folder_name(day) / FEATURES
            place.parent.mkdir(parents=True)
            pq.write_table(month(day, rows, features), place)
            store = FeastFeatures(root / "feast", root / "snapshots", "bench", "user_id", features, online_url=url)
            snapshot = Snapshot(day.isoformat(), day, rows, 0, "content")
            patched = (
                mock.patch.multiple(bulk_load, load=by_feast, make_table=lambda *_: None)
                if feasts
                else nullcontext()  # Feast's own
            )
            with patched:
                wall, cpu = perf_counter(), process_time()
                store.materialise(snapshot)
                wall, cpu = perf_counter() - wall, process_time() - cpu
            cells = rows * len(features)
            told.append(
                {
                    "wall_s": round(wall, 1),
                    "cpu_s": round(cpu, 1),
                    "cpu_us_a_row": round(cpu / cells * 1e6, 2),
                    "load": round(os.getloadavg()[0], 1),
                    "peak_mib": round(peak_mib()),
                }
            )
    return told


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: that it works")
    parser.add_argument("--users", type=int, default=100_000, help="of 13 features")
    parser.add_argument("--rows", type=int, default=819, help="of 1,503 features")
    options = parser.parse_args()
    quick = options.quick
    cases: dict[str, tuple[int, list[DType], bool]] = {
        "feast, 13 features": (500 if quick else 4_000, NARROW, True),
        "bulk, 13 features": (2_000 if quick else options.users, NARROW, False),
        "bulk, 1503 features": (10 if quick else options.rows, WIDE, False),
    }
    results: dict[str, Any] = {}
    for at in ("sqlite", *(["postgres"] if POSTGRES else [])):
        for name, (rows, dtypes, feasts) in cases.items():
            with fresh_database() if at == "postgres" else nullcontext("") as url:
                results[f"{at}: {name}, {rows} rows"] = told = measure(rows, dtypes, url, feasts=feasts)
            sys.stdout.write(f"{at}: {name}, {rows} rows: {told}\n")
            sys.stdout.flush()
            write("online", results, quick=quick)


if __name__ == "__main__":
    main()
