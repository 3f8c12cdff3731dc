from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from annotated_types import Le

from ratchet.core.errors import ArtifactError, Unavailable
from ratchet.core.schema import LoggedAnswer, StoredRow
from ratchet.project.file import Project, Serving
from serving.bodies import EACH, ONE
from serving.features import OnlineFeatures, Row
from serving.gateway import MAX_BODY
from serving.metrics import Metrics
from serving.model import Phase, PinnedModel, Served, load
from serving.request_log import RequestLogWriter
from tests.support.fake_wiring import PROJECT, FolderRegistry, linear_bundle, spoilt
from tests.support.rollout_harness import until


def settled(model: PinnedModel) -> PinnedModel:
    model.start()
    while model.state.phase is Phase.LOADING:
        threading.Event().wait(0.005)
    return model


@pytest.fixture
def registry(tmp_path: Path) -> FolderRegistry:
    registry = FolderRegistry(tmp_path)
    registry.put(3, linear_bundle(0.0))
    return registry


def test_a_version_is_ready_when_it_has_answered_its_golden_rows(registry: FolderRegistry) -> None:
    model = PinnedModel("3", lambda n: load(registry, PROJECT, n))
    assert (model.state.phase, model.served) == (Phase.LOADING, None)
    settled(model)
    assert model.state.detail == "version 3 serves"
    assert model.served is not None
    assert (model.served.version.number, model.served.worst) == (3, 0.0)


@pytest.mark.parametrize(
    ("pinned", "sentence"),
    [
        ("", "no model in production yet: ratchet run"),
        ("latest", "RATCHET_MODEL_VERSION is 'latest', which is no version number"),
        ("-1", "RATCHET_MODEL_VERSION is '-1', which is no version number"),
        ("9", "there is no version 9"),
    ],
)
def test_what_cannot_be_pinned_is_never_ready_and_says_why(registry: FolderRegistry, pinned: str, sentence: str) -> None:
    model = settled(PinnedModel(pinned, lambda n: load(registry, PROJECT, n)))
    assert (model.state.phase, model.state.detail, model.served) == (Phase.FAILED, sentence, None)


def test_after_a_reinstall_the_pods_say_that_what_the_registry_names_has_to_be_rolled_out(registry: FolderRegistry) -> None:
    model = PinnedModel("", lambda n: load(registry, PROJECT, n), lambda: 3)
    model.start()
    until(lambda: model.state.detail != "no model in production yet: ratchet run", bool)
    assert model.state.detail == "the registry names version 3, which was not rolled out here: ratchet reconcile"
    assert (model.state.phase, model.served) == (Phase.FAILED, None)


def test_a_version_that_answers_otherwise_than_when_it_was_made_is_refused(registry: FolderRegistry) -> None:
    registry.put(4, spoilt(linear_bundle(0.0)))
    with pytest.raises(ArtifactError, match=r"version 4 answers its golden rows otherwise .* worst difference 1\.0e-06 > 1e-09"):
        load(registry, PROJECT, 4)


def test_a_version_of_another_project_is_refused(registry: FolderRegistry) -> None:
    fewer = Project.model_validate({**PROJECT.model_dump(), "features": [PROJECT.features[0].model_dump()]})
    with pytest.raises(ArtifactError, match=r"version 3 wants the feature plan, which ratchet\.yaml does not have"):
        load(registry, fewer, 3)


def test_a_damaged_bundle_is_refused_with_the_file_named(registry: FolderRegistry) -> None:
    (registry.root / "3" / "scorer.json").write_text("{", encoding="utf-8")
    assert "scorer.json" in settled(PinnedModel("3", lambda n: load(registry, PROJECT, n))).state.detail


def test_a_registry_that_comes_back_makes_the_version_ready(registry: FolderRegistry) -> None:
    tries: list[int] = []

    def flaky(number: int) -> Served:
        tries.append(number)
        if len(tries) < 2:
            message = "the registry cannot be reached"
            raise Unavailable(message)
        return load(registry, PROJECT, number)

    assert settled(PinnedModel("3", flaky)).state.phase is Phase.READY
    assert tries == [3, 3]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_while_loading_is_said_and_not_waited_for(registry: FolderRegistry) -> None:
    def defect(_: int) -> Served:
        message = "no such attribute"
        raise AttributeError(message)

    model = settled(PinnedModel("3", defect))
    assert (model.state.phase, model.state.detail) == (
        Phase.FAILED,
        "a defect: the log of this process has its trace (AttributeError)",
    )
    assert registry.root.exists()


class Gate:
    """A feature store that answers when it is let."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.entered = threading.Event()
        self.open = threading.Event()

    def online(self, entities: Sequence[str]) -> list[Row | None]:
        self.calls.append(list(entities))
        self.entered.set()
        self.open.wait(5)
        return [None if name == "nobody" else StoredRow({"name": name}) for name in entities]


def test_requests_that_come_during_a_look_up_share_the_next() -> None:
    store = Gate()

    async def ask() -> list[list[Row | None]]:
        features = OnlineFeatures(lambda: store, Metrics())
        first = asyncio.create_task(features.of(["a"]))
        await asyncio.to_thread(store.entered.wait)
        others = [asyncio.create_task(features.of(names)) for names in (["b", "nobody"], ["c"], ["b"])]
        await asyncio.sleep(0)
        store.open.set()
        return [await task for task in (first, *others)]

    assert asyncio.run(ask()) == [[{"name": "a"}], [{"name": "b"}, None], [{"name": "c"}], [{"name": "b"}]]
    assert store.calls == [["a"], ["b", "nobody", "c"]]


def test_a_look_up_that_hangs_lets_everybody_go_and_the_store_recovers() -> None:
    store = Gate()

    async def ask() -> list[Row | None]:
        features = OnlineFeatures(lambda: store, Metrics(), timeout=0.05)
        late = [asyncio.create_task(features.of([name])) for name in ("a", "b")]
        for task in late:
            with pytest.raises(Unavailable, match=r"the feature store did not answer within 0\.05 s"):
                await task
        store.open.set()
        while True:  # the thread is still at the first look-up for a moment
            try:
                return await features.of(["c"])
            except Unavailable:
                await asyncio.sleep(0.001)

    assert asyncio.run(ask()) == [{"name": "c"}]


def test_an_error_of_the_store_reaches_everybody_who_waits() -> None:
    class Down:
        def online(self, _: Sequence[str]) -> list[Row | None]:
            message = "down"
            raise Unavailable(message)

    async def ask() -> list[BaseException | list[Row | None]]:
        features = OnlineFeatures(Down, Metrics())
        return await asyncio.gather(*(features.of([name]) for name in "abc"), return_exceptions=True)

    assert [type(result) for result in asyncio.run(ask())] == [Unavailable] * 3


def test_at_the_end_nobody_waits_for_a_look_up_that_will_not_come() -> None:
    store = Gate()

    async def ask() -> list[BaseException | list[Row | None]]:
        features = OnlineFeatures(lambda: store, Metrics(), timeout=60)
        begun = asyncio.create_task(features.of(["a"]))
        await asyncio.to_thread(store.entered.wait)
        waiting = asyncio.create_task(features.of(["b"]))
        await asyncio.sleep(0)
        features.close()
        store.open.set()
        return list(await asyncio.gather(begun, waiting, features.of(["c"]), return_exceptions=True))

    begun, *others = asyncio.run(ask())
    assert begun == [{"name": "a"}]
    assert [str(other) for other in others] == ["this process is about to end: ask again"] * 2


def test_a_request_that_is_given_up_by_its_client_takes_nobody_with_it() -> None:
    store = Gate()

    async def ask() -> list[Row | None]:
        features = OnlineFeatures(lambda: store, Metrics())
        begun = asyncio.create_task(features.of(["a"]))
        await asyncio.to_thread(store.entered.wait)
        gone, stays = (asyncio.create_task(features.of([name])) for name in ("b", "c"))
        await asyncio.sleep(0)
        begun.cancel()
        gone.cancel()
        store.open.set()
        return await stays

    assert asyncio.run(ask()) == [{"name": "c"}]
    assert store.calls == [["a"], ["c"]]


class Place:
    """A feature store that notes which threads ask it, and can be down."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.down = False

    def online(self, entities: Sequence[str]) -> list[Row | None]:
        self.threads.append(threading.current_thread().name)
        if self.down:
            message = "down"
            raise Unavailable(message)
        return [StoredRow({"name": name}) for name in entities]


def test_a_store_on_this_machine_is_asked_on_the_loop_once_it_is_open_and_for_few() -> None:
    store = Place()
    features = OnlineFeatures(lambda: store, Metrics(), at_once=2)

    async def ask(*names: str) -> list[Row | None]:
        return await features.of(names)

    store.down = True
    with pytest.raises(Unavailable, match="down"):
        features.warm("a")
    store.down = False
    assert asyncio.run(ask("a")) == [{"name": "a"}]
    assert asyncio.run(ask("a", "b")) == [{"name": "a"}, {"name": "b"}]
    assert asyncio.run(ask("a", "b", "c")) == [{"name": name} for name in "abc"]
    assert [name == "MainThread" for name in store.threads] == [False, False, True, False]  # the last one is for many
    store.down = True
    with pytest.raises(Unavailable, match="the feature store cannot be reached"):
        asyncio.run(ask("a"))
    store.down = False
    assert asyncio.run(ask("a")) == [{"name": "a"}]


class Shelf:
    """A log store that can be down."""

    def __init__(self) -> None:
        self.rows: list[LoggedAnswer] = []
        self.down = False
        self.tried = threading.Event()

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        self.tried.set()
        if self.down:
            message = "the log is down"
            raise Unavailable(message)
        self.rows += rows


def answers(count: int) -> list[LoggedAnswer]:
    return [LoggedAnswer(f"p{n}", "e", 1, 0.5, "h", float(n)) for n in range(count)]


def value(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"version": "none"})


def test_what_is_queued_at_the_end_is_written() -> None:
    shelf, metrics = Shelf(), Metrics()
    writer = RequestLogWriter(shelf, metrics, batch=7)
    for answer in answers(100):
        writer.put(answer)
    writer.close()
    assert shelf.rows == answers(100)
    assert (writer.backlog, value(metrics, "ratchet_request_log_dropped_total")) == (0, 0.0)


def test_answers_wait_for_a_store_that_is_down_and_keep_their_order() -> None:
    shelf, metrics = Shelf(), Metrics()
    shelf.down = True
    writer = RequestLogWriter(shelf, metrics, pause=0.01)
    for answer in answers(50):
        writer.put(answer)
    shelf.tried.wait(5)
    assert writer.backlog == 50
    shelf.down = False
    writer.close()
    assert shelf.rows == answers(50)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    shelf, metrics = Shelf(), Metrics()
    shelf.down = True
    writer = RequestLogWriter(shelf, metrics, capacity=10, batch=1, pause=0.01)
    first, *rest = answers(30)
    writer.put(first)
    shelf.tried.wait(5)  # one is in the writer's hands, ten fit into the queue
    for answer in rest:
        writer.put(answer)
    assert value(metrics, "ratchet_request_log_dropped_total") == 19.0
    until(lambda: value(metrics, "ratchet_request_log_backlog"), lambda backlog: backlog == 11.0)
    writer.close(seconds=0.05)
    assert value(metrics, "ratchet_request_log_dropped_total") == 30.0


def test_posted_features_that_wait_for_a_store_that_is_down_are_bounded_and_what_does_not_fit_is_counted() -> None:
    shelf, metrics = Shelf(), Metrics()
    shelf.down = True
    writer = RequestLogWriter(shelf, metrics, pause=0.01, characters=100)
    large = [replace(row, posted="x" * 40) for row in answers(5)]
    for row in (*large[:3], *answers(1), *large[3:]):
        writer.put(row)
    assert (writer.backlog, value(metrics, "ratchet_request_log_dropped_total")) == (3, 3.0)  # two of 40 characters and a plain one
    shelf.down = False
    until(lambda: writer.backlog, lambda backlog: backlog == 0)
    writer.put(large[4])  # there is room again
    writer.close()
    assert (len(shelf.rows), value(metrics, "ratchet_request_log_dropped_total")) == (4, 3.0)


def test_the_gateway_lets_the_largest_batch_pass_that_a_project_can_allow() -> None:
    (most,) = [bound.le for bound in Serving.model_fields["max_batch"].metadata if isinstance(bound, Le)]
    assert isinstance(most, int)
    assert ONE + most * EACH <= MAX_BODY


_WORKER = """
import sys
from ratchet.tasks.binary.metrics import METRICS
from serving.metrics import Metrics
metrics = Metrics("3")
metrics.predictions.inc()
metrics.of_scores(METRICS.scores).observe(0.31)
metrics.backlog.set(4)
metrics.ready.set(int(sys.argv[1]))
print(metrics.render().decode())
"""


def test_of_several_workers_the_counts_add_up_and_all_must_be_ready(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for ready in ("1", "0", "1"):
        command = [sys.executable, "-c", _WORKER, ready]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert {
        'ratchet_predictions_total{version="3"} 3.0',
        'ratchet_probability_bucket{le="0.4",version="3"} 3.0',
        'ratchet_request_log_backlog{version="3"} 12.0',
        'ratchet_model_ready{version="3"} 0.0',
    } <= set(lines)
