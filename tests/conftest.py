from __future__ import annotations

from hypothesis import settings

settings.register_profile("ratchet", deadline=None)  # a busy machine is no failure
settings.load_profile("ratchet")
