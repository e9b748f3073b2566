"""A run shown elsewhere: the figures of its rounds, and which model is in use, sent to MLflow or to any logger of spaCy's."""
