"""The infra check: load a version as serving does, apart from what serves (`python -m serving.check --version N`)."""

from __future__ import annotations

import argparse
import json
import sys

from ratchet.core.errors import RatchetError
from ratchet.wiring import Wiring
from serving.model import load


def main() -> int:
    """Print {seconds, worst} as JSON; on an error print its sentence to standard error and return its exit code."""
    parser = argparse.ArgumentParser(description="load a model version in the serving runtime and score its golden rows")
    parser.add_argument("--version", type=int, required=True)
    parser.add_argument("--digest", default="", help="that its files must have; without it the registry's word counts")
    asked = parser.parse_args()
    try:
        wiring = Wiring.load()
        served = load(wiring.published, wiring.project, asked.version, asked.digest)
    except RatchetError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps({"seconds": round(served.seconds, 6), "worst": served.worst}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
