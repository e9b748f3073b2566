"""Numpy that knows nothing of active learning."""
