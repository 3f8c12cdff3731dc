"""How much memory this process may take in all: of the machine, of its container, of its own limit."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # version 2, version 1


def allowed() -> int:
    """Bytes: the least of what is set."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        found.append(soft)
    for path in _CGROUPS:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:  # this host has the other version, or none
            continue
        if text.isdecimal():  # else it says `max`
            found.append(int(text))
    return min(found)
