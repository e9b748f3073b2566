"""The gain that a query strategy would have made on a corpus whose labels are known: every strategy with the same start.

`plan` says what is compared, `corpus` is what can be asked, `answers` is what annotators say, `arm` is one round of one
strategy, `run` sends rounds to processes and keeps their results, `simulation_facts` is what came of it.
"""

from spacy_al.simulation.facts import simulation_facts
from spacy_al.simulation.options import make_plan
from spacy_al.simulation.plan import SimulationPlan
from spacy_al.simulation.results import read_full, read_results
from spacy_al.simulation.run import simulate

__all__ = [
    "SimulationPlan",
    "make_plan",
    "read_full",
    "read_results",
    "simulate",
    "simulation_facts",
]
