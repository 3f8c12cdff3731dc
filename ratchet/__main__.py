"""`python -m ratchet` is `ratchet`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if not sys.flags.safe_path and Path(sys.path[0]).resolve() != Path(__file__).resolve().parents[1]:
        del sys.path[0]  # the user's folder, in which an mlflow.py may lie
    from ratchet.apps.cli.main import main

    main()
