"""Evidently's drift report for people. Decisions are taken by core/drift.py; a test holds the two to the same figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from ratchet.core.errors import PermanentError
from ratchet.core.schema import Columns, DType, Feature, column, rows_of, take
from ratchet.reports.html.contained import contained

_VALUE_DRIFT = "evidently:metric_v2:ValueDrift"
_BODY = "<body>"
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1.0">'
_WIDE = '<meta name="viewport" content="width=1100">'  # Evidently's table has no narrow form: a phone would show half of it


def drift_report(
    features: Sequence[Feature],
    reference: Columns,
    current: Columns,
    name: str,
    *,
    sample_rows: int = 10_000,
    seed: int = 0,
    number_effect: float = 0.1,
    category_effect: float = 0.1,
    drift_share: float = 0.02,
    verdict: Sequence[str] = (),
) -> tuple[str, dict[str, float]]:
    """Write the report from a bounded, seeded sample of both sides.

    Evidently computes each column three times and takes 23 s for a million rows of 14, hence the sample. Methods are named, because
    its defaults change at 1,000 rows; types are given, because it would guess them. It drops missing cells without a word, so the
    report says nothing of missingness, and it raises on a column without values: such columns are left out and listed on top.

    Args:
        features: what to compare; bool counts as a category.
        reference: columns (core/schema.py) of the champion's training snapshot.
        current: columns of the new snapshot.
        name: the report's title, `drift_<ref>_vs_<cur>`.
        sample_rows: at most this many rows a side.
        seed: of the sample.
        number_effect: threshold of the normalised Wasserstein distance.
        category_effect: threshold of the Jensen-Shannon distance.
        drift_share: of drifted columns from which Evidently too speaks of a drifted snapshot; its own default is 0.5.
        verdict: Ratchet's decision for the first screen, a headline and then sentences.

    Returns:
        One self-contained HTML page, and Evidently's figure for each feature that is not left out.

    Raises:
        PermanentError: Evidently refused the data, or its result lacks a figure.
    """
    rng = np.random.default_rng(seed)
    before, after = (_sample(features, side, sample_rows, rng) for side in (reference, current))
    kept = [feature for feature in features if min(before[feature.name].count(), after[feature.name].count()) > 1]
    left_out = [feature.name for feature in features if feature not in kept]
    head = _head(name, verdict, len(before), len(after), left_out)
    if not kept:
        return contained(f'<!DOCTYPE html><html lang="en"><meta charset="utf-8">{_BODY}{head}</body></html>'), {}
    numbers = [feature.name for feature in kept if _is_number(feature)]
    categories = [feature.name for feature in kept if not _is_number(feature)]
    preset = DataDriftPreset(
        columns=numbers + categories,
        num_method="wasserstein",
        cat_method="jensenshannon",
        num_threshold=number_effect,
        cat_threshold=category_effect,
        drift_share=drift_share,
    )
    types = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    try:
        with np.errstate(invalid="ignore", divide="ignore"):  # its correlations divide by a constant column's deviation
            result = Report([preset]).run(Dataset.from_pandas(after, types), Dataset.from_pandas(before, types), name=name)
            page, figures = result.get_html_str(as_iframe=False), json.loads(result.json())
    except (ValueError, TypeError, KeyError) as error:
        message = f"Evidently cannot report {name}: {' '.join(str(error).split())}"
        raise PermanentError(message) from error
    page = page.replace(_BODY, _BODY + head, 1).replace(_VIEWPORT, f"{_WIDE}<title>{escape(name)}</title>", 1)
    return contained(page), _figures(figures, numbers + categories)


def _is_number(feature: Feature) -> bool:
    return feature.dtype.is_number and feature.dtype is not DType.BOOL


def _sample(features: Sequence[Feature], columns: Columns, most: int, rng: np.random.Generator) -> pd.DataFrame:
    """At most `most` rows, in their order; bools as the texts true and false."""
    rows = rows_of(columns)
    named = {feature.name: columns[feature.name] for feature in features}
    if rows > most:
        named = take(named, np.sort(rng.choice(rows, most, replace=False)))
    for feature in features:
        if feature.dtype is DType.BOOL:
            text = Feature(feature.name, DType.CATEGORY)
            named[feature.name] = column(
                text, [None if math.isnan(v) else str(bool(v)).lower() for v in named[feature.name].tolist()]
            )
    return pd.DataFrame(named)


def _figures(result: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """The figure of each column. A missing one raises: a default of 0 would be read as "no drift"."""
    values = {
        metric["config"]["column"]: metric["value"] for metric in result["metrics"] if metric["config"].get("type") == _VALUE_DRIFT
    }
    for name in names:
        if not isinstance(values.get(name), float) or not math.isfinite(values[name]):
            message = f"Evidently's result has no figure for {name} but {values.get(name)!r}: check its release notes"
            raise PermanentError(message)
    return {name: values[name] for name in names}


def _head(name: str, verdict: Sequence[str], before: int, after: int, left_out: Sequence[str]) -> str:
    """What the reader has to know first: what was decided, and which rows and columns Evidently's part is about."""
    note = (
        f"{name}: {before:,} reference rows and {after:,} current rows, sampled, by Evidently, which asks for the effect alone. "
        "Missing cells are left aside."
    )
    if left_out:
        note += f" Left out, with fewer than two values on a side: {', '.join(left_out)}."
    headline, *sentences = verdict or (name,)
    paragraphs = "".join(f'<p style="font-size:1.1em">{escape(text)}</p>' for text in sentences)
    style = "font-family:system-ui,sans-serif;line-height:1.45;max-width:60em;padding:1em 2em"
    return f'<header style="{style}"><h1>{escape(headline)}</h1>{paragraphs}<p style="color:#545d69">{escape(note)}</p></header>'
