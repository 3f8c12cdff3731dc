"""The peers, each as its documentation would have it written, on the same Feast store and the same registered model."""
