"""How good a model is on a labelled corpus, measured as `spacy evaluate` does. Where there is no gold the answer is None."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc
from spacy.training import Example

from spacy_al.evaluation.gold import fresh_doc, stored_docs
from spacy_al.evaluation.score_interval import score_interval
from spacy_al.kinds import FACTORIES
from spacy_al.metrics import Evaluation, LabelScores
from spacy_al.posteriors.read import find_component
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.relabel import keep_labels, relabel_doc
from spacy_al.util import several


def evaluate(
    model: str | Path | Language,
    gold: str | Path | Iterable[Doc],
    component: str | None = None,
    *,
    labels: RunLabels | None = None,
    measured: str | Sequence[str] | None = None,
) -> Evaluation:
    """Compare what a model says with what is right.

    model (str | Path | Language): A trained pipeline.
    gold (str | Path | Iterable[Doc]): A labelled `.spacy` file, a folder of them, or its documents as `stored_docs` gives them.
    component (str | None): Whose scores; by default the only component that has a posterior.
    labels (RunLabels | None): Of a run, by whose names of now the model's labels are read.
    measured (str | Sequence[str] | None): The label that counts, or several; None for all. Of others nothing is right and nothing wrong.
    RETURNS (Evaluation): `score` and spaCy's name of it as `score_name`; `precision`, `recall`, `per_label` ({label: {p, r, f}});
        `texts` and `words` that were compared; `interval`: where the score of other texts probably lies, by drawing these again. None for what the gold says nothing about.
    RAISES (AlError): As `stored_docs` and `find_component`.
    """
    nlp = model if isinstance(model, Language) else spacy.load(model)
    name = find_component(nlp, component)
    pipe: Any = nlp.get_pipe(name)
    key = getattr(pipe, "key", "")
    row = FACTORIES[nlp.get_pipe_meta(name).factory]
    score_name = row.score.format(key=key)
    docs = stored_docs(Path(gold)) if isinstance(gold, str | Path) else gold
    stored = [doc for doc in docs if len(doc)]
    if measured is not None:
        measured = several(measured)
        for doc in stored:
            keep_labels(doc, measured, row.task, key)
        if row.task == "categories" and row.is_exclusive:
            # a text with a category that does not count says nothing of the others
            stored = [doc for doc in stored if any(value >= 0.5 for value in doc.cats.values())]
    found: Evaluation = {
        "score": None,
        "score_name": score_name,
        "precision": None,
        "recall": None,
        "per_label": None,
        "texts": len(stored),
        "words": sum(map(len, stored)),
        "interval": None,
    }
    # spaCy gives categories without any gold a 0
    if not stored or (row.task == "categories" and not any(doc.cats for doc in stored)):
        return found
    for doc in stored:
        # spans that are predicted are held against the gold's own text, which may lack their label
        for label in pipe.labels:
            doc.vocab.strings.add(label)
    docs = list(nlp.pipe(fresh_doc(nlp, doc) for doc in stored))
    how: dict[str, Any] = {}
    if labels is not None:
        for said in docs:
            relabel_doc(said, labels, row.task, key)
    if measured is not None and row.task == "categories":
        # a mean over labels is one over those that count
        how["labels"] = [*measured]
    elif measured is not None and row.task != "tags":
        for said in docs:
            keep_labels(said, measured, row.task, key)
    examples = [Example(said, doc) for said, doc in zip(docs, stored)]
    scores = pipe.score(examples, **how)
    found["score"] = _number(scores.get(score_name))
    if found["score"] is None:
        return found
    interval = score_interval(docs, stored, row, key)
    # where spaCy leaves tokens out of its score that nobody decided, these sums are of something else
    if interval and interval[0] <= found["score"] <= interval[1]:
        found["interval"] = interval
    if row.attribute:
        by_label = _by_label(examples, row.attribute)
        if measured is not None:
            by_label = {label: by_label[label] for label in by_label if label in measured}
        return {**found, "per_label": by_label}
    precision, recall, per_label = (
        scores.get(detail.format(key=key)) if detail else None for detail in row.details
    )
    found |= {"precision": _number(precision), "recall": _number(recall)}
    if per_label is not None:
        found["per_label"] = {label: _plain(row) for label, row in sorted(per_label.items())}
    return found


def _by_label(examples: Sequence[Example], attribute: str) -> dict[str, LabelScores]:
    """Of tokens that the gold has as tokens too, and labels."""
    scores: dict[str, PRFScore] = {}
    for example in examples:
        right = example.get_aligned(attribute, as_string=True)
        for token, gold in zip(example.predicted, right):
            if not gold:
                continue
            said = getattr(token, f"{attribute.lower()}_")
            for label in {gold, said} - {""}:
                score = scores.setdefault(label, PRFScore())
                score.score_set({label} & {said}, {label} & {gold})
    return {label: _plain(score.to_dict()) for label, score in sorted(scores.items())}


def _plain(row: dict[str, Any]) -> LabelScores:
    return {"p": float(row["p"]), "r": float(row["r"]), "f": float(row["f"])}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
