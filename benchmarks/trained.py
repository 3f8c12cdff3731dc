"""A trained project in a folder of its own: one ingested snapshot, its features online, one registered version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SNAPSHOT = "month_000"


@dataclass(frozen=True, slots=True)
class Trained:
    """What programs that serve it need.

    The environment (the product's variables, and BENCH_* for the peers), the version, its model's address in MLflow, and entities
    that can be asked for.
    """

    environment: dict[str, str]
    version: int
    model_uri: str
    entities: tuple[str, ...]


def prepare(root: Path, users: int = 7043) -> Trained:
    """Generate data of the repository's ratchet.yaml below `root`, ingest it and train, by the product's own steps."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(REPOSITORY / "ratchet.yaml", root)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RATCHET_", "PROMETHEUS_MULTIPROC"))}
    environment = {
        **kept,
        "RATCHET_PROJECT": str(root / "ratchet.yaml"),
        "RATCHET_HOME": str(root / "home"),
        "RATCHET_TRACKING_URI": f"sqlite:///{root / 'home' / 'mlflow.db'}",
        "RATCHET_ACTOR": "benchmark",
        "BENTOML_HOME": str(root / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",  # as in the image
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "ignore",
    }
    generate = [sys.executable, "-m", "ratchet", "data", "generate", str(root / "data"), "--snapshot", SNAPSHOT]
    subprocess.run([*generate, "--users", str(users)], env=environment, check=True, stdout=subprocess.DEVNULL)
    return train(root, environment)


def train(root: Path, environment: Mapping[str, str]) -> Trained:
    """Ingest what was generated, if it is not yet, and train in the registry that the environment names."""
    own = [sys.executable, "-m", "benchmarks.trained", str(root / "data")]
    done = subprocess.run(own, env=dict(environment), check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    (registry,) = (root / "home" / "models" / found["model"] / "feast").glob("registry-*.db")
    entities = root / "entities.txt"
    entities.write_text("".join(f"{entity}\n" for entity in found["entities"]), encoding="ascii")
    named = {
        "RATCHET_MODEL_VERSION": str(found["version"]),
        "RATCHET_MODEL": found["model"],
        "BENCH_MODEL": found["model"],
        "BENCH_MODEL_URI": found["model_uri"],
        "BENCH_FEAST_REGISTRY": str(registry),
        "BENCH_FEAST_ONLINE": str(registry.parent / "online.db"),
        "BENCH_ENTITY": found["entities"][0],
        "BENCH_ENTITIES": str(entities),
    }
    return Trained({**environment, **named}, found["version"], found["model_uri"], tuple(found["entities"]))


def main() -> None:
    """Ingest and train in this process's environment, then print what was made as one line of JSON."""
    from ratchet.steps import ingest, train  # noqa: PLC0415 - adapters are imported in the child alone
    from ratchet.wiring import Wiring  # noqa: PLC0415 - as above

    wiring = Wiring.load()
    store, features = wiring.store, wiring.features
    snapshot = ingest.run(wiring.source(sys.argv[1]), store, features, wiring.journal, SNAPSHOT)
    version = train.run(wiring.project, store, features, wiring.registry, wiring.journal, snapshot)
    import mlflow  # noqa: PLC0415 - as above

    name = wiring.project.model
    tags = mlflow.MlflowClient(wiring.settings.tracking_uri).get_model_version(name, str(version.number)).tags
    entities = [str(entity) for entity in store.columns(snapshot, [wiring.project.entity])[wiring.project.entity]]
    print(
        json.dumps({"model": name, "version": version.number, "model_uri": tags["ratchet.model_uri"], "entities": entities[:2000]})
    )


if __name__ == "__main__":
    main()
