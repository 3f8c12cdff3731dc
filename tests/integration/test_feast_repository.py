"""A Feast repository that exists, made by Feast itself: what is read from it, what is refused, and that nothing is written."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratchet.core.errors import Misconfigured, Unavailable
from ratchet.core.schema import Columns, DType, Feature, Snapshot
from ratchet.features.feast_repository import FeastRepository
from ratchet.features.from_snapshots import SnapshotFeatures
from tests.support.club import files
from tests.support.feast_repo import FeastRepo

INPUTS = (
    Feature("months", DType.INT),
    Feature("plan", DType.CATEGORY),
    Feature("hours", DType.FLOAT),
    Feature("devices", DType.INT),
    Feature("promo", DType.BOOL),
)
JANUARY, FEBRUARY = date(2024, 1, 31), date(2024, 2, 29)


def rows(names: list[Any], more: int = 0) -> pd.DataFrame:
    count = range(len(names))
    return pd.DataFrame(
        {
            "member": names,
            "months": [10 + at + more for at in count],
            "plan": [("Basic", "Plus", None)[at % 3] for at in count],
            "hours": [0.1 + at for at in count],
            "devices": [None if at == 1 else at for at in count],
            "promo": [(True, False, None)[at % 3] for at in count],
        }
    )


def opened(repo: FeastRepo, features: tuple[Feature, ...] = INPUTS, service: str = "churn", key: str = "member") -> FeastRepository:
    return FeastRepository(repo.folder, service, key, features, SnapshotFeatures(list, "member", features))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=[False, True], ids=["text", "integers"])
def repo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FeastRepo:
    made = FeastRepo(tmp_path_factory.mktemp("feast") / "repo", integers=request.param)
    names = [1001, 1002, 1003] if request.param else ["1001", "1002", "1003"]
    made.put(JANUARY, rows(names))
    made.put(FEBRUARY, rows(names[:2], more=1))
    made.apply()
    made.materialize()
    return made


def asked(features: FeastRepository, day: date, *who: str) -> Columns:
    return features.offline(day, np.array(who, dtype=object))


def test_features_of_two_views_are_joined_at_the_date_in_the_order_asked_for(repo: FeastRepo) -> None:
    found = asked(opened(repo), FEBRUARY, "1003", "9", "1001", "x")
    assert list(found) == [feature.name for feature in INPUTS]
    assert np.array_equal(found["months"], [12, np.nan, 11, np.nan], equal_nan=True)
    assert np.array_equal(found["promo"], [np.nan, np.nan, 1, np.nan], equal_nan=True)
    assert found["plan"].tolist() == [None, None, "Basic", None]
    assert np.array_equal(asked(opened(repo), JANUARY, "1001")["months"], [10])


def test_before_the_first_row_and_for_strangers_alone_everything_is_missing(repo: FeastRepo) -> None:
    for found in (asked(opened(repo), date(2023, 1, 1), "1001"), asked(opened(repo), FEBRUARY, "x", "y")):
        assert np.isnan(found["months"]).all()
        assert set(found["plan"]) == {None}


def test_online_answers_are_those_of_the_newest_load(repo: FeastRepo) -> None:
    first, stranger, third, odd = opened(repo).online(["1001", "9", "1003", "01001"])
    assert first == {"months": 11.0, "plan": "Basic", "hours": float(np.float32(0.1)), "devices": 0.0, "promo": 1.0}
    assert first is not None
    assert third is not None
    assert third == {"months": 12.0, "plan": None, "hours": float(np.float32(2.1)), "devices": 2.0, "promo": None}
    assert (stranger, odd) == (None, None)
    assert (first.as_of, third.as_of) == (FEBRUARY, JANUARY)
    assert opened(repo).online([]) == []


def test_what_is_trained_on_is_what_is_served_to_the_last_bit(repo: FeastRepo) -> None:
    who = ["1001", "1002"]
    offline, online = asked(opened(repo), FEBRUARY, *who), opened(repo).online(who)
    for at, row in enumerate(online):
        assert row is not None
        for name, value in row.items():
            cell = offline[name][at]
            assert (value is None and (cell is None or np.isnan(cell))) or value == cell, name


def test_nothing_is_written(repo: FeastRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(repo.folder)
    features = opened(repo)
    features.materialise(Snapshot("m", JANUARY, 1, 0, "h", ""))
    asked(features, FEBRUARY, "1001")
    features.online(["1001", "2"])
    assert files(repo.folder) == before
    assert not [*tmp_path.iterdir()], "a relative path is meant from the repository, not from where a process happens to be"


def test_after_an_outage_the_stores_are_opened_anew(repo: FeastRepo) -> None:
    features = opened(repo)
    (before,) = features.online(["1001"])
    store: Any = features._online[0]  # noqa: SLF001 - whose connection breaks

    def broken(**_: Any) -> Any:
        message = "the server closed the connection"
        raise ConnectionResetError(message)

    store.get_online_features = broken
    with pytest.raises(Unavailable, match=r"cannot be read: the server closed the connection \(ConnectionResetError\)"):
        features.online(["1001"])
    assert features.online(["1001"]) == [before]


def test_features_that_the_service_lacks_are_named(repo: FeastRepo) -> None:
    more = (*INPUTS, Feature("age", DType.INT), Feature("shoe", DType.FLOAT))
    with pytest.raises(Misconfigured, match=r"service churn lacks age, shoe \(it has devices, hours, months, plan, promo\)"):
        asked(opened(repo, more), FEBRUARY, "1001")
    with pytest.raises(Misconfigured, match="lacks age, shoe"):
        opened(repo, more).online(["1001"])


@pytest.mark.parametrize(
    ("name", "dtype", "kept"), [("plan", DType.INT, "string"), ("promo", DType.FLOAT, "bool"), ("months", DType.CATEGORY, "int64")]
)
def test_a_feature_of_another_type_is_named(repo: FeastRepo, name: str, dtype: DType, kept: str) -> None:
    with pytest.raises(Misconfigured, match=f"{name} is {kept} in Feast's service churn, which is no {dtype.value}"):
        opened(repo, (Feature(name, dtype),)).online(["1001"])


def test_an_integer_may_be_a_float(repo: FeastRepo) -> None:
    assert opened(repo, (Feature("months", DType.FLOAT),)).online(["1001"]) == [{"months": 11.0}]


def test_another_service_is_refused_with_those_that_are_there(repo: FeastRepo) -> None:
    with pytest.raises(Misconfigured, match=r"theirs has no feature service sales \(there: churn\)"):
        opened(repo, service="sales").online(["1001"])


def test_a_join_key_of_another_name_is_asked_for(repo: FeastRepo) -> None:
    with pytest.raises(Misconfigured, match="looked up by member, and requests give customer alone"):
        opened(repo, key="customer").online(["1001"])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "feature_store.yaml").unlink(), "has no feature_store.yaml that can be read"),
        (lambda folder: (folder / "feature_store.yaml").write_text("a: ]"), "is no YAML"),
        (lambda folder: (folder / "feature_store.yaml").write_bytes(b"\xff\xfe"), "is no YAML"),
        (lambda folder: (folder / "feature_store.yaml").write_text("model: x"), "it names no project"),
        (lambda folder: (folder / "feature_store.yaml").write_text("project: theirs\nregistry: 3\n"), "cannot be read"),
        (lambda folder: (folder / "data" / "registry.db").unlink(), "the registry of the Feast repository .* is not there"),
        (lambda folder: (folder / "data" / "registry.db").write_bytes(b"garbage"), "cannot be read"),
    ],
    ids=["no file", "no YAML", "no text", "no project", "no registry's address", "no registry", "a registry that is garbage"],
)
def test_a_repository_that_cannot_be_used_is_named_and_made_none_of(tmp_path: Path, damage: Any, sentence: str) -> None:
    made = FeastRepo(tmp_path / "repo")
    made.put(JANUARY, rows(["a", "b", "c"]))
    made.apply()
    damage(made.folder)
    before = files(made.folder)
    with pytest.raises(Misconfigured, match=sentence):
        asked(opened(made), JANUARY, "a")
    assert files(made.folder) == before


def test_an_online_store_that_nobody_filled_is_away_and_is_not_made(tmp_path: Path) -> None:
    made = FeastRepo(tmp_path / "repo")
    made.put(JANUARY, rows(["a", "b", "c"]))
    made.apply()
    (made.folder / "data" / "online.db").unlink()
    with pytest.raises(Unavailable, match="fill it with `feast materialize`"):
        opened(made).online(["a"])
    assert not (made.folder / "data" / "online.db").exists()


def test_a_password_of_the_repository_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = FeastRepo(tmp_path / "repo")
    made.put(JANUARY, rows(["a", "b", "c"]))
    made.apply()
    monkeypatch.setenv("THEIR_WORD", "hunter2hunter2")
    text = (made.folder / "feature_store.yaml").read_text()
    wrong = "online_store: {type: postgres, host: 127.0.0.1, port: 1, database: x, user: u, password: '${THEIR_WORD}', nonsense: 1}"
    (made.folder / "feature_store.yaml").write_text(text.replace("online_store: {type: sqlite, path: data/online.db}", wrong))
    with pytest.raises((Misconfigured, Unavailable)) as caught:
        opened(made).online(["a"])
    assert "hunter2hunter2" not in str(caught.value)
