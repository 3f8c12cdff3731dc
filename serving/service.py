"""The BentoML service: one process, one pinned version (`bentoml serve serving.service:service`, or serving/backend.py)."""

from __future__ import annotations

import logging
import os
from typing import Any

import bentoml
from starlette.exceptions import HTTPException

from ratchet.core.errors import RatchetError
from ratchet.core.headers import STATE
from ratchet.settings import MODEL_DIGEST, MODEL_VERSION
from ratchet.tasks.catalogue import task_of
from ratchet.wiring import Wiring
from serving.api import Parts, make_app
from serving.features import OnlineFeatures
from serving.metrics import NO_VERSION, Metrics
from serving.model import Phase, PinnedModel, Served, load
from serving.rate import Lanes, RateLimit
from serving.request_log import RequestLogWriter

_AT_ONCE = 32  # entities: 2 ms
_PROBES = 50.0  # a second: a promotion asks for some golden rows at a time

app = make_app()


def _named(wiring: Wiring) -> int | None:
    """The version that the registry has in production."""
    from ratchet.promotion.champion import PRODUCTION  # noqa: PLC0415 - only where nothing is pinned, and the start is to be quick

    return wiring.published.named(PRODUCTION)


# Why the endpoints are a mounted app and not @bentoml.api methods: those answer a body of the wrong shape with a pydantic dump,
# hide the sentence of every 5xx, take POST only and know no limit on bodies.
# Why these options: the time-out middleware keeps each request in memory for its whole length; BentoML's metrics make a series of
# every path that a client thinks of (ours, on the same /metrics, have bounded labels); the access log costs throughput, and so do
# four spans a request that nothing exports (a third of the time). BENTOML_CONFIG can switch each of them on again.
@bentoml.service(
    name="ratchet",
    workers=1,
    traffic={"timeout": 5},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(app)
class RatchetService:
    """Answers for the version that RATCHET_MODEL_VERSION names, or says why it cannot."""

    def __init__(self) -> None:
        logging.getLogger("serving").setLevel(logging.INFO)
        wiring = Wiring.load()
        pinned = os.environ.get(MODEL_VERSION, "").strip()
        metrics = Metrics(pinned if pinned.isdecimal() else NO_VERSION)
        self._features = OnlineFeatures(lambda: wiring.features, metrics, at_once=_AT_ONCE if wiring.looks_up_in_a_file else 0)
        self._log = RequestLogWriter(wiring.requests, metrics)
        self._ready = metrics.ready
        self._model = PinnedModel(pinned, lambda n: self._load(wiring, n), lambda: _named(wiring))
        most = wiring.settings.rate_limit
        rate = Lanes(RateLimit(most), RateLimit(min(most, _PROBES)))
        task = task_of(wiring.project)
        answers, scores = task.answers(wiring.project.serving), metrics.of_scores(task.metrics.scores)
        app.state.parts = Parts(wiring.project, answers, scores, self._model, self._features, self._log, metrics, rate)
        self._model.start()

    def _load(self, wiring: Wiring, number: int) -> Served:
        """The version, and a first look-up of one of its golden rows: so that no client waits for a connection to be made."""
        served = load(wiring.published, wiring.project, number, os.environ.get(MODEL_DIGEST, "").strip())
        try:
            if wiring.project.keeps_features:
                self._features.warm(served.bundle.golden[0].entity)
        except (
            RatchetError
        ) as error:  # the model is ready all the same; requests get a 503 with this sentence until the store is back
            logging.getLogger(__name__).warning("%s", error)
        self._ready.set(1)  # here too: of several workers one is scraped, and reports those that never were
        return served

    async def __is_ready__(self) -> bool:
        """BentoML asks this for /readyz; an HTTPException is the way to give its answer a sentence and the state a header."""
        state = self._model.state
        if state.phase is not Phase.READY:
            raise HTTPException(503, state.detail, headers={STATE: state.phase.value})
        return True

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]  # BentoML ships no types
    def close(self) -> None:
        """Flush the request log."""
        self._features.close()
        self._log.close()


service: Any = RatchetService  # the decorator has made a bentoml.Service of the class
