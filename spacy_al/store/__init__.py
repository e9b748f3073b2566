"""The database of a run."""
