"""Count a part of a large snapshot."""
