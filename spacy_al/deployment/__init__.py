"""What becomes of a model that a run has made: the gate before it is used, and which one is in use."""
