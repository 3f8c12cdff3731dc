"""How long the gate takes, from probabilities to a decision, as the holdout grows."""
