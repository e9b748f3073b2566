"""Texts of a labelled corpus whose labels are probably wrong, as `audit` has found them.

    prodigy al.audit my_dataset audit.jsonl -F recipes/audit.py

On spacy-al's page it asks what lies as audit.jsonl in the output of the run.
"""

from pathlib import Path

from spacy_al.recipe import recipe
from spacy_al.tasks.task import read_tasks


@recipe(
    "al.audit",
    dataset=("Dataset to save answers to", "positional", None, str),
    review=("Review list, as `audit -o` writes it", "positional", None, str),
)
def audit(dataset, review):
    """Look again at what is probably wrong."""
    tasks = [*read_tasks(Path(review))]

    # The order is that of the list: the most doubtful texts first, and among them some that were drawn by chance. Do not sort
    # them, and do not leave any out: by those one can say how many mistakes are left in the corpus
    stream = (task for task in tasks)

    # What is suggested has the doubted labels changed already. To show the corpus as it is, make the spans of
    # task["audit"]["given"], which are (first token, one past the last, label)
    return {
        "dataset": dataset,
        "view_id": tasks[0]["_view_id"],
        "stream": stream,
        # "input": no text twice
        "config": {"labels": tasks[0]["labels"], "exclude_by": "input"},
    }
