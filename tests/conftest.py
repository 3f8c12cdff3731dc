from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("ratchet", deadline=None)  # a busy machine is no failure
settings.load_profile("ratchet")
# under nohup it is ignored, and the commands that tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
