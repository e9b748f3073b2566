"""What a pipeline in use saw and said, kept so that the next questions can be chosen from it."""
