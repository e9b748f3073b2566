"""Estimators of scikit-learn that read hashed words beside the classifier, for `estimators.cfg`."""

import spacy
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression


@spacy.registry.misc("logistic_regression.v1")
def logistic_regression() -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


@spacy.registry.misc("random_forest.v1")
def random_forest() -> RandomForestClassifier:
    return RandomForestClassifier(random_state=0)
