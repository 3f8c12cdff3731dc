"""The product's serving programs on the stores of fake_wiring.py: `serving_program.py backend|gateway|check ARGUMENTS`."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, str(Path(__file__).resolve()))


def main() -> int:
    sys.path[0] = str(ROOT)
    name = sys.argv.pop(1)
    if name == "gateway":
        from serving import gateway  # noqa: PLC0415 - each program imports its own

        return gateway.main((*PROGRAM, "backend"))
    from tests.support.fake_wiring import FakeWiring  # noqa: PLC0415 - as above

    wiring = ModuleType("ratchet.wiring")
    wiring.__dict__["Wiring"] = FakeWiring  # the one seam: what the composition root would build
    sys.modules["ratchet.wiring"] = wiring
    if name == "check":
        from serving import check  # noqa: PLC0415 - as above

        return check.main()
    from serving import backend  # noqa: PLC0415 - as above

    backend.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
