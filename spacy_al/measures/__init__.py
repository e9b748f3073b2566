"""How good a model, its probabilities, its annotators and a sample are: arrays in, numbers out."""
