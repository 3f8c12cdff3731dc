"""Fourteen columns of made-up customers, in memory and as partitioned Parquet, written the way the snapshot store does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from os import sched_getaffinity
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ratchet.core.schema import Columns, DType, Feature

FEATURES = (
    Feature("months_active", DType.INT),
    Feature("monthly_fee", DType.FLOAT),
    Feature("paperless_billing", DType.BOOL),
    Feature("plan_stream_tv", DType.BOOL),
    Feature("plan_stream_movies", DType.BOOL),
    Feature("net_service", DType.CATEGORY),
    Feature("contract_type", DType.CATEGORY),
    Feature("watch_hours_30d", DType.FLOAT),
    Feature("avg_session_mins_7d", DType.FLOAT),
    Feature("unique_devices_30d", DType.INT),
    Feature("skips_7d", DType.INT),
    Feature("rebuffer_events_7d", DType.INT),
    Feature("balance", DType.FLOAT),
    Feature("ticket_avg_resolution_hrs_90d", DType.FLOAT),
)
TEXTS = tuple(feature.name for feature in FEATURES if feature.dtype is DType.CATEGORY)
ROW_GROUP = 100_000  # as ratchet/snapshots/parquet.py has it
PARTITION = 10_000_000


def table(rows: int, seed: Sequence[int], shift: float = 0.0) -> pa.Table:
    """Rows drawn from `seed`; `shift` moves the fee, the watching hours and the contracts."""
    rng = np.random.default_rng(seed)

    def nulls(values: object, share: float) -> pa.Array:
        return pa.array(values, mask=rng.random(rows) < share)

    def texts(names: Sequence[str], shares: Sequence[float]) -> pa.Array:
        codes = pa.array(np.searchsorted(np.cumsum(shares)[:-1], rng.random(rows)).astype(np.int32))
        return pa.DictionaryArray.from_arrays(codes, pa.array(names)).cast(pa.string())

    columns = [
        rng.poisson(30, rows),
        np.round(rng.gamma(4, 15 + 4 * shift, rows), 2),
        rng.random(rows) < 0.6,
        nulls(rng.random(rows) < 0.4, 0.2),
        nulls(rng.random(rows) < 0.4, 0.2),
        texts(["DSL", "Fiber optic", "No"], [0.35, 0.44, 0.21]),
        texts(["Month-to-month", "One year", "Two year"], [0.55 - 0.2 * shift, 0.2, 0.25 + 0.2 * shift]),
        rng.gamma(2, 12 + 6 * shift, rows),
        nulls(rng.lognormal(3, 0.5, rows), 0.05),
        rng.poisson(2, rows),
        rng.poisson(12, rows),
        nulls(rng.poisson(3, rows), 0.02),
        rng.normal(0, 100, rows),
        nulls(rng.exponential(20, rows), 0.3),
    ]
    return pa.table(columns, names=[feature.name for feature in FEATURES])


def as_columns(drawn: pa.Table) -> Columns:
    """What the snapshot store gives for these rows."""
    return {
        feature.name: np.asarray(
            drawn[feature.name].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64
        )
        if feature.dtype.is_number
        else np.asarray(drawn[feature.name].to_numpy(zero_copy_only=False), dtype=object)
        for feature in FEATURES
    }


def as_frame(drawn: pa.Table) -> pd.DataFrame:
    """What a user of Evidently has in hand: numbers as float64, bools and categories as text."""
    frame = pd.DataFrame(as_columns(drawn))
    for feature in FEATURES:
        if feature.dtype is DType.BOOL:
            frame[feature.name] = frame[feature.name].map({0.0: "false", 1.0: "true"})
    return frame


def write(folder: Path, rows: int) -> list[Path]:
    """Write `rows` rows in partitions, one process a core, each a row group at a time. Keeps partitions that are there."""
    sizes = [min(PARTITION, rows - at) for at in range(0, rows, PARTITION)]
    paths = [folder / f"part-{index:03d}-{size}.parquet" for index, size in enumerate(sizes)]
    with ProcessPoolExecutor(len(sched_getaffinity(0))) as pool:
        list(pool.map(write_partition, paths, sizes, range(len(sizes))))
    return paths


def write_partition(path: Path, rows: int, index: int) -> None:
    """Write one partition, whole or not at all."""
    if path.exists():
        return
    unfinished = path.with_suffix(".part")
    with pq.ParquetWriter(unfinished, table(0, [0]).schema, compression="zstd", write_page_checksum=True) as writer:
        for at in range(0, rows, ROW_GROUP):
            writer.write_table(table(min(ROW_GROUP, rows - at), [index, at], shift=1.0), row_group_size=ROW_GROUP)
    unfinished.rename(path)


if __name__ == "__main__":  # python -m benchmarks.drift.data FOLDER ROWS: prepare the Parquet for a run that is given it
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write(target, int(sys.argv[2]))
