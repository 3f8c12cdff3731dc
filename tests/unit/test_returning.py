"""Who does not come back, or comes back under another spelling, is noticed before anything is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ratchet.core.errors import DataError
from ratchet.core.returning import Finding, Month, compare
from ratchet.project.file import Project
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.sources.folder import TableSource
from ratchet.steps import ingest
from tests.support.fake_stores import FakeStores
from tests.support.fakes import FakeFeatures, FakeSnapshots
from tests.support.shop import SHOP, put, tables


def month(number: int, keys: list[str]) -> Month:
    return Month(date(2024, number, 28), keys)


def people(*rows: int, spell: str = "{}") -> list[str]:
    return [spell.format(row) for row in range(*rows)]


JANUARY, FEBRUARY = month(1, people(1000, 2000)), month(2, people(1050, 2050))


def texts(found: list[Finding]) -> list[tuple[str, bool]]:
    return [(item.text, item.others) for item in found]


def test_months_that_share_their_entities_are_nothing_to_speak_of() -> None:
    assert compare(month(3, people(1100, 2100)), [JANUARY, FEBRUARY]) == []
    assert compare(FEBRUARY, [JANUARY]) == []
    assert compare(JANUARY, []) == []


@pytest.mark.parametrize("spell", ["0{}", "C{}", "id-{}"])
def test_months_of_other_entities_each_are_nothing_to_speak_of_either(spell: str) -> None:
    lots = [month(number, people(1000 * number, 1000 * number + 900, spell=spell)) for number in (1, 2, 3)]
    assert compare(lots[2], lots[:2]) == []


@pytest.mark.parametrize(
    ("before", "now"), [("{}", "0{}"), ("c{}", "C{}"), ("C{}", "c-{}"), ("{}", "00{} "), ("7-{}", "7_{}"), ("K {}", "K{}")]
)
def test_keys_that_are_known_but_for_their_spelling_are_others_than_before(before: str, now: str) -> None:
    found = compare(month(2, people(1000, 2000, spell=now)), [month(1, people(1000, 2000, spell=before))])
    assert len(found) == 1
    assert found[0].others
    assert "1,000 of 1,000 entities that are new since 2024-01-28 are known but for spelling" in found[0].text


def test_numbers_of_two_parts_are_no_respelling_of_each_other() -> None:
    one = [f"{shop}-{customer}" for shop in range(30) for customer in range(10)]
    two = [f"{shop}-{customer}" for shop in range(30) for customer in range(10, 20)]
    assert all("spelling" not in item.text for item in compare(month(2, two), [month(1, one)]))


def test_entities_that_all_at_once_are_unknown_are_others_than_before() -> None:
    found = compare(month(3, people(1000, 2000, spell="x{}y")), [JANUARY, FEBRUARY])
    usual = "95% or more were from month to month"
    assert texts(found) == [
        (f"0 of 1,000 entities are known from 2024-02-28, where {usual}: their keys are others than before", True)
    ]


def test_a_second_month_without_any_entity_of_the_first_is_said() -> None:
    found = compare(month(2, people(1000, 2000, spell="x{}y")), [JANUARY])
    assert [item.others for item in found] == [False]
    assert "none of 1,000 entities is in 2024-01-28" in found[0].text


def test_half_a_month_is_said() -> None:
    found = compare(month(3, people(1100, 1500)), [JANUARY, FEBRUARY])
    assert texts(found) == [
        ("40% of the entities of 2024-02-28 return, where 95% or more did from month to month: is the upload whole?", False)
    ]


class Shop:
    """Ingest into real Parquet, with the rest in memory."""

    def __init__(self, root: Path, project: Project = SHOP) -> None:
        self.root, self.project, self.said = root, project, list[str]()
        self.store = ParquetSnapshots(root / "store", "customer", "left", [column.feature for column in project.columns])
        self.stores, self.features = FakeStores(), Still(FakeSnapshots(), "customer", [])

    def ingest(self, name: str, spell: Callable[[str], str]) -> None:
        content = {table: rows.assign(customer=[spell(key) for key in rows["customer"]]) for table, rows in tables(20).items()}
        put(self.root / "raw" / name, content)
        source = TableSource(self.root / "raw", self.project)
        world = (source, self.store, self.features, self.stores.journal)
        ingest.run(*world, name, project=self.project, say=self.said.append)


class Still(FakeFeatures):
    def materialise(self, snapshot: object) -> None:
        del snapshot


def test_a_snapshot_of_respelled_keys_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.ingest("may", str)
    with pytest.raises(
        DataError, match=r"june: 20 of 20 entities .* 'c001' was 'C001'; spell them as before, or .* policy.data.respelled"
    ):
        shop.ingest("june", str.lower)
    assert [item.name for item in shop.store.snapshots()] == ["may"]
    assert len(shop.stores.journal.history().entries) == 1


def test_where_they_are_other_entities_it_is_said_and_taken(tmp_path: Path) -> None:
    policy = SHOP.policy.model_copy(update={"data": SHOP.policy.data.model_copy(update={"respelled": "warn"})})
    shop = Shop(tmp_path, SHOP.model_copy(update={"policy": policy}))
    shop.ingest("may", str)
    shop.ingest("june", str.lower)
    assert [item.name for item in shop.store.snapshots()] == ["may", "june"]
    assert any("'c001' was 'C001'" in said for said in shop.said)


def test_the_same_entities_in_floats_are_the_same_entities(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.ingest("may", lambda key: key.replace("C", "1"))
    shop.ingest("june", lambda key: f" {key.replace('C', '1')}.0")
    may, june = (shop.store.columns(item, ["customer"])["customer"].tolist() for item in shop.store.snapshots())
    assert may == june
    assert not any("spell" in said for said in shop.said)


def test_the_policy_on_spelling_leaves_the_project_the_same() -> None:
    policy = SHOP.policy.model_copy(update={"data": SHOP.policy.data.model_copy(update={"respelled": "warn"})})
    assert SHOP.model_copy(update={"policy": policy}).hash == SHOP.hash
