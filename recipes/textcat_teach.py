"""Yes or no to single categories, the ones that are as likely right as wrong.

    prodigy al.textcat.teach my_dataset training/al corpus/pool.spacy -F recipes/textcat_teach.py

Where the categories exclude each other, a no to one of them teaches nothing until another one is accepted: textcat_correct
is the better question there, unless there are too many categories to choose from. It needs a model.
"""

from spacy_al.recipe import recipe, split
from spacy_al.stream import app_config, load, rank, score, single_category


@recipe(
    "al.textcat.teach",
    dataset=("Dataset to save answers to", "positional", None, str),
    model=("Pipeline, or the folder below which models appear", "positional", None, str),
    source=("Pool: a .spacy file or a folder of them", "positional", None, str),
    component=("Component to teach, where there are several", "option", "c", str),
    label=("Labels that the model is still to learn, with commas", "option", "l", split),
    labeled=("Corpora or files of tasks that are not asked, with commas", "option", "L", split),
)
def textcat_teach(
    dataset,
    model,
    source,
    component=None,
    label=None,
    labeled=None,
):
    """Accept or reject single categories that the model is unsure of."""
    plan = load(
        source, model, component=component, factory="textcat", labels=label, labeled=labeled
    )

    # Which texts come first. Try "margin" where the categories exclude each other; 0 leaves the density out
    plan = score(plan, None, density_weight=1.0)

    # One question a text. To ask about one label alone, leave out the tasks whose "label" is another
    stream = rank(plan, single_category)

    return {
        "dataset": dataset,
        "view_id": "classification",
        "stream": stream,
        # "task": the same text may be asked again about another category
        "config": app_config(plan, exclude_by="task"),
    }
