"""Yes or no to single entities, the ones that are as likely right as wrong.

    prodigy al.ner.teach my_dataset training/al corpus/pool.spacy -F recipes/ner_teach.py

Quick to answer, but a yes says little of the rest of the text. It needs a model: begin with ner_correct.
"""

from functools import partial

from spacy_al.recipe import recipe, split
from spacy_al.stream import Answers, app_config, load, rank, score, single_entities


@recipe(
    "al.ner.teach",
    dataset=("Dataset to save answers to", "positional", None, str),
    model=("Pipeline, or the folder below which models appear", "positional", None, str),
    source=("Pool: a .spacy file or a folder of them", "positional", None, str),
    component=("Component to teach, where there are several", "option", "c", str),
    label=("Labels that the model is still to learn, with commas", "option", "l", split),
    labeled=("Corpora or files of tasks that are not asked, with commas", "option", "L", split),
)
def ner_teach(
    dataset,
    model,
    source,
    component=None,
    label=None,
    labeled=None,
):
    """Accept or reject single entities that the model is unsure of."""
    plan = load(source, model, component=component, labels=label, labeled=labeled)

    # Which texts come first. Try "expected_errors" or "sequence_entropy"; 0 leaves the density out
    plan = score(plan, "token_entropy", density_weight=1.0)

    # Each question is chosen in the light of the answers that there are when it is asked for: a yes to "New York" says
    # something of "York". Up to `most` questions about one text, then on to the next
    answers = Answers()
    stream = rank(plan, partial(single_entities, answers=answers, most=3))

    return {
        "dataset": dataset,
        "view_id": "ner",
        "stream": stream,
        "update": answers.update,
        # Answers reach `update` at once, and hardly any question is fetched in advance
        "config": app_config(plan, batch_size=1, instant_submit=True, exclude_by="task"),
    }
