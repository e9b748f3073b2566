"""Correct the entities that the model suggests, in the texts that teach it most.

    prodigy al.ner.correct my_dataset training/al corpus/pool.spacy -F recipes/ner_correct.py

As long as there is no model, nothing is suggested and the texts represent the pool; give the labels with --label.
"""

from spacy_al.recipe import recipe, split
from spacy_al.stream import app_config, load, rank, score


@recipe(
    "al.ner.correct",
    dataset=("Dataset to save answers to", "positional", None, str),
    model=("Pipeline, or the folder below which models appear", "positional", None, str),
    source=("Pool: a .spacy file or a folder of them", "positional", None, str),
    component=("Component to teach, where there are several", "option", "c", str),
    label=("Labels that the model is still to learn, with commas", "option", "l", split),
    labeled=("Corpora or files of tasks that are not asked, with commas", "option", "L", split),
)
def ner_correct(
    dataset,
    model,
    source,
    component=None,
    label=None,
    labeled=None,
):
    """Correct suggested entities."""
    plan = load(source, model, component=component, labels=label, labeled=labeled)

    # Which texts come first. Try "expected_errors" or "sequence_entropy"; 0 leaves the density out
    plan = score(plan, "token_entropy", density_weight=1.0)

    # When a newer model appears in the folder, what is left of the pool is ranked by it. To ask about other things, or to
    # leave tasks out, write a generator around the stream
    stream = rank(plan)

    return {
        "dataset": dataset,
        "view_id": "ner_manual",
        "stream": stream,
        # "input": no text twice, whatever was suggested for it
        "config": app_config(plan, exclude_by="input"),
    }
