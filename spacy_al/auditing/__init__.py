"""Which labels of an annotated corpus are probably wrong, or missing."""
