"""From a snapshot's arrival to the new version's answers: where the time goes, and what Ratchet adds to the bare library calls."""
