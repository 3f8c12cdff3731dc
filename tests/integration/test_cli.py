"""The command line on real adapters: the loop by `ratchet run`, and every fault as one sentence that changes nothing."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from ratchet.core.decision import Verdict
from ratchet.core.errors import UserError
from ratchet.core.schema import ModelVersion
from ratchet.steps import evaluate, promote, train
from ratchet.wiring import Wiring
from tests.support.bad_months import BAD_MONTHS, Mutation, cell
from tests.support.club import MEMBERS, Club, Ran, State, files
from tests.support.rollout_harness import free_port

ROWS = 2000


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[list[Ran]]]:
    """The loop as a user runs it, in a home of its own, beside the other tests: it waits for processes most of the time."""
    club = Club(tmp_path_factory.mktemp("story"))

    def ran() -> list[Ran]:
        months = ("month_000", "month_002")
        return [club.process("run", "--data", str(club.raw), "--snapshot", month, "--json") for month in months]

    generate(club)
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(ran)


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Club]:
    """Version 2 is in production and serves, version 1 was before it; both passed the gate and were approved by hand."""
    if any("story" in item.fixturenames for item in request.session.items if isinstance(item, pytest.Function)):
        request.getfixturevalue("story")  # now, so that it is over by the time that the last test asks for it
    made = Club(tmp_path_factory.mktemp("club"), more="policy: {approval: manual}\n")
    generate(made)
    with made.serving():
        for number, month in enumerate(("month_000", "month_002"), start=1):
            assert made.ratchet("data", "ingest", str(made.raw), month).code == 0
            wiring = made.wiring
            version = candidate(wiring, month)
            assert judged(wiring, month, version) is Verdict.PASS
            promote.run(wiring.project, wiring.quiet_production, version.number)
            made.wait_for_server()
            approved = made.ratchet("approve", str(number), "--json")
            assert approved.document["body"]["state"] == "done", approved
        yield made


@pytest.fixture
def before(club: Club) -> State:
    """How things stand: version 2 answers."""
    state = club.state()
    assert (state.production, state.previous, state.pinned, len(state.promotions)) == (2, 1, 2, 2)
    assert [answer["model_version"] for answer in state.answers] == [2, 2, 2]
    return state


def generate(club: Club) -> None:
    for month, more in (("month_000", ()), ("month_001", ()), ("month_002", ("--drift", "0.8", "--concept", "1"))):
        made = club.ratchet("data", "generate", str(club.raw), "--snapshot", month, "--users", str(ROWS), *more)
        assert (made.code, made.err) == (0, "")


def candidate(wiring: Wiring, month: str) -> ModelVersion:
    snapshot = wiring.store.get(month)
    return train.run(wiring.project, wiring.store, wiring.features, wiring.registry, wiring.journal, snapshot, say=lambda _: None)


def judged(wiring: Wiring, month: str, version: ModelVersion) -> Verdict:
    store, registry, snapshot = wiring.store, wiring.registry, wiring.store.get(month)
    said = evaluate.run(
        wiring.project, store, registry, wiring.journal, wiring.reports, snapshot, version.number, say=lambda _: None
    )
    return said.decision.verdict


# --- data that is wrong ---


@pytest.fixture(scope="module")
def good_month(club: Club) -> dict[str, bytes]:
    """A month that could be ingested."""
    club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_003", "--users", "300")
    return {path.name: path.read_bytes() for path in (club.raw / "month_003").iterdir()}


@pytest.mark.parametrize("fault", BAD_MONTHS)
def test_a_bad_month_is_refused_in_one_sentence_and_changes_nothing(
    club: Club, before: State, good_month: dict[str, bytes], tmp_path: Path, fault: str
) -> None:
    folder = tmp_path / "month_003"
    folder.mkdir()
    for name, content in good_month.items():
        (folder / name).write_bytes(content)
    mutate, says = BAD_MONTHS[fault]
    mutate(folder)
    refused = club.ratchet("data", "ingest", str(tmp_path), "month_003")
    assert (refused.code, refused.out) == (2, "")
    assert re.match(f"month_003: {says}", refused.error), refused.error
    assert club.ratchet("data", "check", str(tmp_path), "month_003").code == 2
    assert club.state() == before


def test_the_same_month_again_is_a_no_op_and_other_content_under_its_date_is_refused(
    club: Club, before: State, tmp_path: Path
) -> None:
    again = club.ratchet("data", "ingest", str(club.raw), "month_002")
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith("(no-op: the same content is stored)\n")
    other = tmp_path / "month_002"
    shutil.copytree(club.raw / "month_002", other)
    cell("usage", "hours", "1")(other)
    refused = club.ratchet("data", "ingest", str(tmp_path), "month_002")
    assert refused.code == 2
    assert re.match("2024-03-31 holds other features .* --replace", refused.error)
    assert club.state() == before


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc", "a/b", "x" * 300, "möñth", "month_000 ", "a\nb", "2024-13-01"])
def test_a_name_that_is_no_snapshots_is_refused(club: Club, tmp_path: Path, name: str) -> None:
    for command in (["data", "ingest", "RAW"], ["data", "check", "RAW"], ["labels", "--snapshot"]):
        refused = club.ratchet(*(str(club.raw) if word == "RAW" else word for word in command), name)
        assert (refused.code, refused.out) == (2, "")
        assert refused.error
    if name not in {"möñth", "month_000 ", "2024-13-01"}:  # a folder may well be named so
        refused = club.ratchet("data", "generate", str(tmp_path / "made"), "--snapshot", name, "--users", "5")
        assert (refused.code, refused.out) == (2, "")
        assert refused.error
        assert files(tmp_path) == {}


# --- a project file, a setting, an argument that is wrong ---

BAD_PROJECT: dict[str, tuple[Mutation, str]] = {
    "missing": (lambda path: path.unlink(), "there is no project file at"),
    "a folder": (lambda path: path.rename(path.with_suffix(".old")).with_suffix(".yaml").mkdir(), "cannot be read"),
    "empty": (lambda path: path.write_text(""), "holds no project"),
    "a list": (lambda path: path.write_text("- model: x"), "holds no project"),
    "binary": (lambda path: path.write_bytes(bytes(range(255))), "is not a project file: it is not UTF-8 text"),
    "malformed": (lambda path: path.write_text("model: [1, 2"), "is not a project file: line 1: "),
    "nested without end": (lambda path: path.write_text("[" * 5000), "is not a project file: it is nested too deeply"),
    "an impossible date": (lambda path: path.write_text("a: 2024-02-30"), "is not a project file: day is out of range for month"),
    "a seed below nought": (lambda path: put(path, "folds: 2", "folds: 2, seed: -5"), "training.seed: "),
    "a range without an end": (lambda path: put(path, "range: [0, 600]", "range: [0, .nan]"), "months: range [0.0, nan] is empty"),
    "an unknown key": (lambda path: append(path, "polciy: {approval: manual}\n"), "polciy: there is no such key"),
    "a key twice": (lambda path: append(path, "policy: {approval: auto}\n"), "'policy' is there twice"),
    "a missing key": (lambda path: path.write_text("model: x"), "entity: is missing"),
}


def put(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


@pytest.mark.parametrize("fault", BAD_PROJECT)
def test_a_project_file_that_cannot_be_used_is_named_with_what_is_wrong(club: Club, tmp_path: Path, fault: str) -> None:
    path = tmp_path / "ratchet.yaml"
    shutil.copy(club.project, path)
    mutate, says = BAD_PROJECT[fault]
    mutate(path)
    refused = club.ratchet("--project", str(path), "status")
    assert (refused.code, refused.out) == (2, "")
    assert str(path) in refused.error
    assert says in refused.error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATCHET_PORT", "abc"),
        ("RATCHET_PORT", "0"),
        ("RATCHET_LOCK_TIMEOUT", "-1"),
        ("RATCHET_READY_TIMEOUT", "soon"),
        ("RATCHET_ACTOR", "x" * 201),
        ("RATCHET_HOME", __file__),
        ("RATCHET_HOME", f"{__file__}/below"),
        ("RATCHET_HOME", "x" * 300),
    ],
)
def test_a_setting_that_does_not_fit_is_named(club: Club, name: str, value: str) -> None:
    refused = club.ratchet("status", **{name: value})
    assert (refused.code, refused.out) == (2, "")
    assert refused.error.startswith(name)


def test_an_empty_setting_is_as_if_it_were_not_there(club: Club, before: State) -> None:
    settings = {"RATCHET_TRACKING_URI": "", "RATCHET_LOCK_TIMEOUT": "", "RATCHET_HOST": ""}
    assert club.ratchet("status", "--json", **settings).document["production"]["version"] == before.production


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["approve", "99"], "version 99 does not await approval (waiting: none)"),
        (["rollback", "--to", "99"], "model club_churn has no version 99"),
        (["rollback", "--to", "2"], "version 2 is in production already"),
        (["predict", "nobody"], "nobody"),
        (["predict", ""], "member"),
        (["predict"], "name the entity to score, or give --features JSON"),
        (["predict", "--features", "{"], "--features is not JSON"),
        (["predict", "--features", "[1]"], "--features is not an object of names and values"),
        (["predict", "--features", "@/no/such/file"], "--features: /no/such/file cannot be read"),
        (["predict", "--features", f"@{__file__}"], "test_cli.py is not JSON"),
        (["predict", "nobody", "--features", '{"visits": 1}'], "unknown field 'features'"),
        (["labels"], "give either a CSV file or --snapshot"),
        (["labels", "labels.csv", "--snapshot", "month_000"], "give either a CSV file or --snapshot"),
        (["labels", "no_such.csv"], "no_such.csv"),
        (["labels", "/"], "the label file / cannot be read"),
        (["labels", "--snapshot", "month_001"], "snapshot 'month_001' has not been ingested"),
        (["data", "ingest", "/no/such/folder", "month_001"], "the data folder /no/such/folder cannot be read"),
        (["compile"], "the tasks' image is not known: give --image"),
        (["compile", "--image", "i", "--output", "/no/such/folder/x.yaml"], "/no/such/folder/x.yaml cannot be written"),
        (["compile", "--image", "i", "--output", "pipeline.txt"], "pipeline.txt cannot be written"),
        (["init", "/no/such/folder", "--output", "/no/such/folder/x.yaml"], "/no/such/folder"),
        (["demo", "--folder", __file__], "exists and is no demo's"),
        (["demo", "--folder", str(Path(__file__).parent)], "exists and is no demo's"),
    ],
)
def test_an_argument_that_does_not_fit_is_said_in_one_sentence(club: Club, before: State, command: list[str], says: str) -> None:
    refused = club.ratchet(*command)
    assert (refused.code, refused.out) == (2, "")
    assert says in refused.error
    assert club.state() == before


@pytest.mark.parametrize(
    "command",
    [
        ["approve", "0"],
        ["approve", "x"],
        ["rollback", "--to", "-1"],
        ["rollback", "--to", "9" * 30],
        ["history", "--kind", "rumour"],
        ["history", "--last", "0"],
        ["serve", "--port", "65536"],
        ["run"],
        ["no-such-command"],
    ],
)
def test_a_command_that_is_mistyped_is_answered_with_its_usage(club: Club, command: list[str]) -> None:
    refused = club.ratchet(*command)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("Usage: ")


def test_init_says_what_an_empty_folder_lacks(club: Club, tmp_path: Path) -> None:
    refused = club.ratchet("init", str(tmp_path), "--output", str(tmp_path / "ratchet.yaml"))
    assert (refused.code, refused.out) == (2, "")
    assert str(tmp_path) in refused.error
    assert files(tmp_path) == {}


def test_init_does_not_write_over_a_project_file(club: Club) -> None:
    written = club.project.read_bytes()
    refused = club.ratchet("init", str(club.raw), "--output", str(club.project))
    assert (refused.code, club.project.read_bytes()) == (2, written)
    assert "--replace" in refused.error


def test_an_empty_home_has_nothing_to_roll_back_and_says_what_to_do(club: Club, tmp_path: Path) -> None:
    settings = {"RATCHET_HOME": str(tmp_path / "home")}
    assert club.ratchet("rollback", **settings).error == "there is no model in production yet: nothing to roll back"
    assert "ratchet run" in club.ratchet("status", **settings).out
    assert club.ratchet("reconcile", "--json", **settings).document == {"done": []}
    assert club.ratchet("history", "--json", **settings).document == {"verified": 0, "records": []}


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("no such host", "no such host")])
def test_predict_with_nothing_serving_says_how_to_serve(club: Club, host: str, shown: str) -> None:
    port = str(free_port())
    refused = club.ratchet("predict", MEMBERS[0], RATCHET_HOST=host, RATCHET_PORT=port)
    assert (refused.code, refused.out) == (75, "")
    assert refused.error == f"nothing answers at http://{shown}:{port}: `ratchet serve` starts the server"


# --- labels ---

BAD_LABELS: dict[str, bytes] = {
    "empty": b"",
    "a header alone": b"member,gone\n",
    "no label column": b"member,left\nU0000001,true\n",
    "no member column": b"gone\ntrue\n",
    "a label that is none": b"member,gone\nU0000001,true\nU0000002,perhaps\n",
    "an uneven row": b"member,gone\nU0000001,true,x\n",
    "a row without a key": b"member,gone\n,true\n",
    "a time that is none": b"member,gone,observed_at\nU0000001,true,yesterday\n",
    "bytes": bytes(range(255)),
    "a quote that never ends": b'member,gone\nU0000001,"true\n' + b"x" * 200_000,
}


@pytest.mark.parametrize("fault", BAD_LABELS)
def test_a_label_file_that_cannot_be_read_labels_nothing(club: Club, tmp_path: Path, fault: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(BAD_LABELS[fault])
    labelled, live = club.wiring.requests.labelled(), club.wiring.ledger.records("live")
    refused = club.ratchet("labels", str(path))
    assert (refused.code, refused.out) == (2, "")
    assert "label" in refused.error
    assert club.wiring.requests.labelled().keys() == labelled.keys()
    assert club.wiring.ledger.records("live") == live


# --- stores that are gone or damaged ---


@pytest.mark.parametrize("command", [["status"], ["rollback"], ["reconcile"]])
def test_a_stopped_registry_is_said_and_never_taken_for_no_champion(club: Club, before: State, command: list[str]) -> None:
    refused = club.ratchet(*command, RATCHET_TRACKING_URI="http://user:secret@127.0.0.1:9")
    assert (refused.code, refused.out) == (75, "")
    assert (
        refused.error
        == "the model registry at 127.0.0.1:9 cannot be reached (Connection refused): check it and RATCHET_TRACKING_URI"
    )
    assert club.state() == before


@pytest.mark.parametrize("variable", ["RATCHET_TRACKING_URI", "RATCHET_LEDGER_URL"])
@pytest.mark.parametrize("command", [["status"], ["rollback"]])
def test_a_store_that_is_garbage_is_said_and_left_as_it_is(
    club: Club, before: State, tmp_path: Path, command: list[str], variable: str
) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"garbage " * 1000)
    garbage = files(tmp_path)
    refused = club.ratchet(*command, **{variable: f"sqlite:///{path}"})
    assert (refused.code, refused.out) == (2, "")
    assert refused.error.endswith(f"store.db cannot be used (file is not a database): check it and {variable}")
    assert files(tmp_path) == garbage
    assert club.state() == before


@pytest.mark.parametrize(
    ("url", "code"), [("nonsense", 2), ("nosuch://user:secret@x", 2), ("postgresql://user:secret@127.0.0.1:9/x", 75)]
)
@pytest.mark.parametrize(
    ("variable", "command"), [("RATCHET_LEDGER_URL", ["history"]), ("RATCHET_REQUESTS_URL", ["labels", "--snapshot", "month_000"])]
)
def test_an_address_that_is_none_is_said_without_its_password(
    club: Club, variable: str, command: list[str], url: str, code: int
) -> None:
    refused = club.ratchet(*command, **{variable: url})
    assert (refused.code, refused.out) == (code, "")
    assert variable in refused.error
    assert "secret" not in refused.error


def test_a_registry_that_lost_its_versions_is_no_first_month(club: Club, before: State, tmp_path: Path) -> None:
    elsewhere = {"RATCHET_TRACKING_URI": f"sqlite:///{tmp_path / 'other.db'}"}
    seen = club.ratchet("status", "--json", **elsewhere)
    assert (seen.code, seen.document["agree"]) == (0, False)
    assert "restore the registry" in seen.document["trouble"]
    for command in ("rollback", "reconcile"):
        refused = club.ratchet(command, **elsewhere)
        assert refused.code != 0
        assert "restore the registry" in refused.error
    assert club.state() == before


def test_a_ledger_that_was_changed_by_hand_does_not_verify(club: Club, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    shutil.copy(club.home / "ledger.db", path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER ledger_no_UPDATE")
        connection.execute("UPDATE ledger SET actor = 'nobody' WHERE seq = 3")
        connection.commit()
    refused = club.ratchet("history", RATCHET_LEDGER_URL=f"sqlite:///{path}")
    assert (refused.code, refused.out) == (3, "")
    assert "record 3" in refused.error


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [spoil, lambda path: path.write_bytes(path.read_bytes()[:-9]), Path.unlink], ids=["bit", "end", "file"]
)
def test_a_version_whose_artifact_was_changed_is_not_brought_back(club: Club, before: State, damage: Mutation) -> None:
    run = club.wiring.registry.version(1).run_id
    (path,) = (club.home / "artifacts").glob(f"**/{run}/**/scorer.json")
    content = path.read_bytes()
    try:
        damage(path)
        refused = club.ratchet("rollback", "--to", "1")
    finally:
        path.write_bytes(content)
    assert (refused.code, refused.out) == (3, "")
    assert re.match(r"version 1's files (are not those that were registered|cannot be read)", refused.error)
    assert club.state() == before


# --- runs ---


@pytest.mark.timeout(600)
def test_a_run_refuses_a_bad_month(club: Club, before: State, good_month: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "month_003").mkdir()
    for name, content in good_month.items():
        (tmp_path / "month_003" / name).write_bytes(content)
    cell("usage", "hours", "many")(tmp_path / "month_003")
    refused = club.process("run", "--data", str(tmp_path), "--snapshot", "month_003")
    assert (refused.code, refused.out) == (2, "")
    assert refused.error == "month_003: usage.hours: 1 value is not float, as for member U0000008: 'many'"
    assert Path(refused.err.splitlines()[-1].removeprefix("log: ")).exists()
    assert club.state() == before


@pytest.mark.timeout(600)
def test_a_run_without_its_registry_decides_nothing(club: Club, before: State) -> None:
    decided = club.wiring.ledger.records("trigger")
    refused = club.process("run", "--snapshot", "month_000", "--json", RATCHET_TRACKING_URI="http://127.0.0.1:9")
    assert refused.code == 75
    assert (refused.document["outcome"], refused.document["error"]["type"]) == ("failed", "Unavailable")
    assert "the model registry at http://127.0.0.1:9 cannot be reached (Connection refused)" in refused.error
    assert club.wiring.ledger.records("trigger") == decided
    assert club.state() == before


def tasks_of(club: Club) -> list[str]:
    """Command lines of the processes that work on the club's runs."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [line for line in lines if str(club.folder / "runs") in line]


@pytest.mark.timeout(600)
def test_ctrl_c_ends_a_run_with_all_that_it_has_started(club: Club, before: State) -> None:
    with club.start("run", "--snapshot", "month_000") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("[INGEST]")
        assert tasks_of(club)
        process.send_signal(signal.SIGINT)
        err = process.communicate()[1]
    assert (process.returncode, err) == (130, "interrupted: ending the task that runs\n")
    assert tasks_of(club) == []
    assert club.state() == before


# --- what the gate stops ---


def test_an_equal_model_is_not_promoted(club: Club, before: State) -> None:
    wiring = club.wiring
    version = candidate(wiring, "month_002")
    assert judged(wiring, "month_002", version) is Verdict.FAIL
    with pytest.raises(UserError, match="did not pass the gate"):
        promote.run(wiring.project, wiring.quiet_production, version.number)
    assert club.state() == before


def test_a_month_with_shuffled_labels_is_not_promoted(club: Club, before: State, tmp_path: Path) -> None:
    shutil.copytree(club.raw / "month_001", tmp_path / "month_001")
    labels = pd.read_csv(tmp_path / "month_001" / "outcome.csv")
    labels["gone"] = labels["gone"].sample(frac=1, random_state=1).to_numpy()
    labels.to_csv(tmp_path / "month_001" / "outcome.csv", index=False)
    assert club.ratchet("data", "ingest", str(tmp_path), "month_001").code == 0
    wiring = club.wiring
    version = candidate(wiring, "month_001")
    assert judged(wiring, "month_001", version) is not Verdict.PASS
    with pytest.raises(UserError, match="did not pass the gate"):
        promote.run(wiring.project, wiring.quiet_production, version.number)
    after = club.state()
    assert (after.production, after.promotions, after.pinned) == (before.production, before.promotions, before.pinned)


# --- what works ---


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["status"], "production"),
        (["history"], "records"),
        (["history", "--kind", "promotion"], "records"),
        (["reconcile"], "done"),
    ],
)
def test_json_is_one_document_and_nothing_else(club: Club, command: list[str], name: str) -> None:
    ran = club.ratchet(*command, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert name in ran.document


def test_the_pipeline_compiles_to_a_file(club: Club, tmp_path: Path) -> None:
    assert club.ratchet("compile", "--image", "example.com/ratchet@sha256:1", "--output", str(tmp_path / "x.yaml")).code == 0
    assert "continuous-training" in (tmp_path / "x.yaml").read_text(encoding="utf-8")


def test_rollback_brings_the_version_before_back_in_one_document(club: Club) -> None:
    ran = club.ratchet("rollback", "--reason", "a :boom: [red]test[/red]", "--json")
    assert (ran.code, ran.err) == (0, "")
    body = ran.document["body"]
    assert (body["state"], body["cause"], body["from"], body["to"]) == ("done", "rollback", 2, 1)
    assert body["reasons"][-1] == "a :boom: [red]test[/red]"
    state = club.state()
    assert (state.production, state.previous, state.pinned) == (1, 2, 1)
    assert [answer["model_version"] for answer in state.answers] == [1, 1, 1]


@pytest.mark.timeout(900)
def test_ratchet_run_makes_a_first_champion_and_replaces_it_in_a_drifted_month(story: Future[list[Ran]]) -> None:
    first, drifted = story.result()
    assert (first.code, first.err, drifted.code, drifted.err) == (0, "", 0, "")
    made, replaced = first.document, drifted.document
    assert (made["outcome"], made["candidate"], made["champion before"]) == ("promoted", 1, None)
    assert (replaced["outcome"], replaced["candidate"], replaced["champion before"]) == ("promoted", 2, 1)
    assert re.match(r"drift_share 0\.\d+ >= 0\.020", replaced["drift"])
    assert re.match(r"delta 0\.\d+ > 0\.010", replaced["why"])
    assert all(Path(replaced[name]).exists() for name in ("decision report", "drift report", "log"))
