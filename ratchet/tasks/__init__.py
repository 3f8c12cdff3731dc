"""What is learnt: labels, metrics, comparisons, the shape of an answer and its figures. A folder a task."""
