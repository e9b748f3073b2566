"""Correct the spans that the model suggests, which may overlap.

    prodigy al.spans.correct my_dataset training/al corpus/pool.spacy -F recipes/spans_correct.py

As long as there is no model, nothing is suggested and the texts represent the pool; give the labels with --label.
"""

from spacy_al.recipe import recipe, split
from spacy_al.stream import app_config, load, rank, score


@recipe(
    "al.spans.correct",
    dataset=("Dataset to save answers to", "positional", None, str),
    model=("Pipeline, or the folder below which models appear", "positional", None, str),
    source=("Pool: a .spacy file or a folder of them", "positional", None, str),
    component=("Component to teach, where there are several", "option", "c", str),
    label=("Labels that the model is still to learn, with commas", "option", "l", split),
    labeled=("Corpora or files of tasks that are not asked, with commas", "option", "L", split),
)
def spans_correct(
    dataset,
    model,
    source,
    component=None,
    label=None,
    labeled=None,
):
    """Correct suggested spans."""
    plan = load(
        source, model, component=component, factory="spancat", labels=label, labeled=labeled
    )

    # Which texts come first. None takes the acquisition that suits the component; 0 leaves the density out
    plan = score(plan, None, density_weight=1.0)

    # When a newer model appears in the folder, what is left of the pool is ranked by it. A span categoriser takes all that is
    # not marked for wrong: mark everything in a text, or ignore it
    stream = rank(plan)

    return {
        "dataset": dataset,
        "view_id": "spans_manual",
        "stream": stream,
        # "input": no text twice, whatever was suggested for it
        "config": app_config(plan, exclude_by="input"),
    }
