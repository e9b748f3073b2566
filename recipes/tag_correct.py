"""Correct the tags that the model suggests.

    prodigy al.tag.correct my_dataset training/al corpus/pool.spacy -F recipes/tag_correct.py

As long as there is no model, nothing is suggested and the texts represent the pool; give the labels with --label.
"""

from spacy_al.recipe import recipe, split
from spacy_al.stream import app_config, load, rank, score


@recipe(
    "al.tag.correct",
    dataset=("Dataset to save answers to", "positional", None, str),
    model=("Pipeline, or the folder below which models appear", "positional", None, str),
    source=("Pool: a .spacy file or a folder of them", "positional", None, str),
    component=("Component to teach, where there are several", "option", "c", str),
    label=("Labels that the model is still to learn, with commas", "option", "l", split),
    labeled=("Corpora or files of tasks that are not asked, with commas", "option", "L", split),
)
def tag_correct(
    dataset,
    model,
    source,
    component=None,
    label=None,
    labeled=None,
):
    """Correct suggested tags."""
    plan = load(source, model, component=component, factory="tagger", labels=label, labeled=labeled)

    # Which texts come first. Try "token_margin"; 0 leaves the density out
    plan = score(plan, "token_entropy", density_weight=1.0)

    # A tag that is taken away stays undecided and trains nothing, so one can correct what one is sure of
    stream = rank(plan)

    return {
        "dataset": dataset,
        "view_id": "pos_manual",
        "stream": stream,
        # "input": no text twice, whatever was suggested for it
        "config": app_config(plan, exclude_by="input"),
    }
