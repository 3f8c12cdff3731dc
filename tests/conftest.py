from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile

from hypothesis import settings

settings.register_profile("ratchet", deadline=None)  # a busy machine is no failure
settings.load_profile("ratchet")
# under nohup it is ignored, and the commands that tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
# what killed processes leave in the temporary folder goes with the session; tmp_path stays where pytest has it
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="ratchet-tests-")
atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)
