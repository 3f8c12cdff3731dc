"""What Ratchet claims, measured beside what people would use instead."""
