"""From a labelled corpus to a model."""
