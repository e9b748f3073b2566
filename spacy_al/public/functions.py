"""The verbs as functions: the same work and the same defaults as the commands, with what these print as a result.

Each takes paths as text or as a `Path`, and spaCy's overrides of a config as a dict by their dotted names. None prints; what a command would
explain and end with is raised as an `AlError`. What a verb does is said by its page in the docs.
"""

from spacy_al.public.corpora import audit, calibrate, ingest, select
from spacy_al.public.runs import report, run, simulate, status

__all__ = ["audit", "calibrate", "ingest", "report", "run", "select", "simulate", "status"]
