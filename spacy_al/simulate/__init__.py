"""What a query strategy would have gained on a corpus whose labels are known: every strategy with the same start.

`plan` says what is compared, `corpus` is what can be asked, `answers` is what annotators say, `arm` is one round of one
strategy, `run` sends rounds to processes and keeps their results, `facts` is what came of it.
"""

from spacy_al.curve import read_results
from spacy_al.simulate.facts import facts
from spacy_al.simulate.plan import Plan
from spacy_al.simulate.run import read_full, simulate

__all__ = ["Plan", "facts", "read_full", "read_results", "simulate"]
