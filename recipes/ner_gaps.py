"""Texts in which the model probably misses an entity.

    prodigy al.ner.gaps my_dataset training/al corpus/pool.spacy -F recipes/ner_gaps.py

For rare labels and for recall. It needs a model: begin with ner_correct.
"""

from functools import partial

from spacy_al.recipe import recipe, split
from spacy_al.stream import app_config, load, missed_entities, rank, score


@recipe(
    "al.ner.gaps",
    dataset=("Dataset to save answers to", "positional", None, str),
    model=("Pipeline, or the folder below which models appear", "positional", None, str),
    source=("Pool: a .spacy file or a folder of them", "positional", None, str),
    component=("Component to teach, where there are several", "option", "c", str),
    label=("Labels that the model is still to learn, with commas", "option", "l", split),
    labeled=("Corpora or files of tasks that are not asked, with commas", "option", "L", split),
)
def ner_gaps(
    dataset,
    model,
    source,
    component=None,
    label=None,
    labeled=None,
):
    """Add the entities that the model leaves out."""
    plan = load(source, model, component=component, labels=label, labeled=labeled)

    # How many entities one expects beside those that the model sets. Many texts of a pool are alike, and so are its gaps:
    # the density is left out, since what is missed is seldom typical
    plan = score(plan, "missed_entities")

    # The model's own entities are shown, to be corrected as well; what is probably missing is named in the task's "meta".
    # `most` says how many
    stream = rank(plan, partial(missed_entities, most=3))

    return {
        "dataset": dataset,
        "view_id": "ner_manual",
        "stream": stream,
        # "input": no text twice, whatever was suggested for it
        "config": app_config(plan, exclude_by="input"),
    }
