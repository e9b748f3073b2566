"""The cost of scoring and its worth, measured on anybody's pipeline and texts: the readers' time against the
pipeline's own, their probabilities against gold, and both against spaCy's beam search."""
