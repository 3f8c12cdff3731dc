"""`make score`: the newest snapshot scored by the Job of the chart's template, and read back from the store."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cluster import __main__ as main
from tests.cluster.toolbox import Toolbox, selector

pytestmark = pytest.mark.timeout(600)

FOLDER, NAME = "s3://ratchet/scores-of-a-test", "scores.parquet"
# in the toolbox, whose account may read and write there
READ = """
import io, json, sys
import pyarrow.parquet as pq
from ratchet.clients.s3 import S3Folder
from ratchet.wiring import Wiring

wiring = Wiring.load()
content, _ = S3Folder(sys.argv[1], "the scores").get(sys.argv[2])
scores = pq.read_table(io.BytesIO(content)).to_pydict()
entity, newest = wiring.project.entity, wiring.store.snapshots()[-1]
print(json.dumps({
    "columns": list(scores),
    "scored": sorted(scores[entity]),
    "known": sorted(wiring.store.columns(newest, [entity])[entity].tolist()),
    "versions": sorted(set(scores["model_version"])),
    "dates": sorted({str(day) for day in scores["as_of"]}),
    "newest": str(newest.as_of),
    "probabilities": [min(scores["probability"]), max(scores["probability"])],
}))
"""
FORGET = "import sys; from ratchet.clients.s3 import S3Folder; S3Folder(sys.argv[1], 'the scores').delete(sys.argv[2])"


def scored(toolbox: Toolbox, *more: str) -> int:
    """The exit code of what `make score` calls."""
    arguments = ["score", "latest", "--out", f"{FOLDER}/{NAME}", *more]
    done = CliRunner().invoke(main.app, arguments, catch_exceptions=False)
    print(done.output)  # noqa: T201
    jobs = [job["metadata"]["name"] for job in toolbox.cluster.read("jobs", selector=selector(toolbox.model, "score"))["items"]]
    assert len(jobs) == 1, jobs
    assert jobs[0].startswith("ratchet-score-")
    toolbox.cluster.kubectl("delete", "job", *jobs)  # with the tries that a failed one has left
    return done.exit_code


def test_every_entity_of_the_newest_snapshot_has_one_score_of_the_version_in_production(
    toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "present", lambda: toolbox.cluster)
    if toolbox.versions()[0] is None:
        assert toolbox.run("month_000") == 0
    production = toolbox.versions()[0]
    try:
        for _ in range(2):  # the second time takes the first one's place
            assert scored(toolbox) == 0
            found = json.loads(toolbox.python(READ, FOLDER, NAME))
            assert len(found["known"]) > 0
            assert found["scored"] == found["known"]  # both sorted: nobody is missing, nobody is there twice
            assert found["columns"] == ["user_id", "probability", "prediction", "model_version", "as_of"]
            assert (found["versions"], found["dates"]) == ([production], [found["newest"]])
            assert 0 <= found["probabilities"][0] < found["probabilities"][1] <= 1
    finally:
        toolbox.python(FORGET, FOLDER, NAME)


def test_a_version_that_is_not_there_ends_the_job_and_leaves_no_scores(toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "present", lambda: toolbox.cluster)
    assert scored(toolbox, "--version", "999") != 0
    there = "import sys; from ratchet.clients.s3 import S3Folder; print(S3Folder(sys.argv[1], 'the scores').holds(sys.argv[2]))"
    assert toolbox.python(there, FOLDER, NAME).strip() == "False"
