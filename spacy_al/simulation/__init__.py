"""What a query strategy would have gained on a corpus whose labels are known: every strategy with the same start.

`plan` says what is compared, `corpus` is what can be asked, `answers` is what annotators say, `arm` is one round of one
strategy, `run` sends rounds to processes and keeps their results, `facts` is what came of it.
"""

from spacy_al.simulation.facts import facts
from spacy_al.simulation.plan import Plan
from spacy_al.simulation.results import read_full, read_results
from spacy_al.simulation.run import simulate

__all__ = ["Plan", "facts", "read_full", "read_results", "simulate"]
