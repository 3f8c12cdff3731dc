"""The binary task: a label is 0 or 1, an answer the probability of 1, versions are compared by their AUC on the same rows."""
