"""Choose the categories of the texts that teach the model most.

    prodigy al.textcat.correct my_dataset training/al corpus/pool.spacy -F recipes/textcat_correct.py

Exclusive categories or several at once, as the model has them. As long as there is no model, the texts represent the pool: give
the labels with --label, and --multilabel where several may apply.
"""

from spacy_al.recipe import recipe, split
from spacy_al.stream import app_config, load, preselected, rank, score


@recipe(
    "al.textcat.correct",
    dataset=("Dataset to save answers to", "positional", None, str),
    model=("Pipeline, or the folder below which models appear", "positional", None, str),
    source=("Pool: a .spacy file or a folder of them", "positional", None, str),
    component=("Component to teach, where there are several", "option", "c", str),
    label=("Labels that the model is still to learn, with commas", "option", "l", split),
    labeled=("Corpora or files of tasks that are not asked, with commas", "option", "L", split),
    multilabel=("Several categories may apply", "flag", "M", bool),
)
def textcat_correct(
    dataset,
    model,
    source,
    component=None,
    label=None,
    labeled=None,
    multilabel=False,
):
    """Choose categories."""
    factory = "textcat_multilabel" if multilabel else "textcat"
    plan = load(source, model, component=component, factory=factory, labels=label, labeled=labeled)

    # Which texts come first. Try "margin" where the categories exclude each other; 0 leaves the density out
    plan = score(plan, None, density_weight=1.0)

    # What the model would choose is chosen already. That is quick, and it sways people: without `preselected` they start
    # from nothing. Whether one may choose several is said by each task
    stream = preselected(rank(plan))

    return {
        "dataset": dataset,
        "view_id": "choice",
        "stream": stream,
        # "input": no text twice, whatever was suggested for it
        "config": app_config(plan, exclude_by="input"),
    }
