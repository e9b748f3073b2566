"""What a model got right, text by text: the counts that F scores are made of, and the probabilities of what it wrote."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
from spacy.language import Language

from spacy_al.evaluation.events import chosen_labels
from spacy_al.evaluation.gold import Answer, SpanAnswer, read_gold
from spacy_al.kinds import FACTORIES
from spacy_al.measures.calibration import expected_calibration_error
from spacy_al.posteriors.read import find_component, reader_of
from spacy_al.posteriors.temperature import fitted_temperature
from spacy_al.tasks.labels import RunLabels
from spacy_al.types import Floats, Ints
from spacy_al.util import batched, content_hash

# Texts that are read at once
TOGETHER = 500


@dataclass(frozen=True)
class TextAnswers:
    """What a model says of labelled texts.

    said (list): Of each text (label, probability, whether it is right) for all that the component would write.
    wanted (list): Of each text the labels that were to be given, as often as they were.
    is_mean (bool): Whether the score is the mean over labels, as for categories, or counts all answers alike.
    ids (list): The hash of each text.
    """

    said: list[list[tuple[str, float, bool]]]
    wanted: list[list[str]]
    is_mean: bool
    ids: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.said)

    def labels(self) -> set[str]:
        """The labels that are said or wanted."""
        return {label for row in self.said for label, *_ in row} | {
            label for row in self.wanted for label in row
        }

    def counts(self, labels: Sequence[str]) -> Floats:
        """(N, L, 3): of each text and label how many answers are right, are given, and were to be given."""
        place = {label: k for k, label in enumerate(labels)}
        found = numpy.zeros((len(self), len(labels), 3))
        for text, (said, wanted) in enumerate(zip(self.said, self.wanted)):
            for label, _, is_right in said:
                if label in place:
                    found[text, place[label], :2] += (is_right, 1)
            for label in wanted:
                if label in place:
                    found[text, place[label], 2] += 1
        return found

    def calibration_error(self, times: Ints) -> float:
        """The calibration error of what is written, each text counted so often. times (Ints): Shape (N,). NaN where nothing is written."""
        texts, probs, right = self._events
        often = times[texts]
        error = expected_calibration_error(
            numpy.repeat(probs, often), numpy.repeat(right, often).astype("f8")
        )
        return numpy.nan if error is None else error

    @property
    def _events(self) -> tuple[Ints, Floats, Floats]:
        rows = [(text, p, right) for text, row in enumerate(self.said) for _, p, right in row]
        table = numpy.array(rows, dtype="f8").reshape(-1, 3)
        return table[:, 0].astype("i8"), table[:, 1].clip(0, 1), table[:, 2]


def text_answers(
    nlp: Language,
    gold: Path,
    component: str | None = None,
    *,
    labels: RunLabels | None = None,
    measured: Collection[str] | None = None,
) -> TextAnswers:
    """What a pipeline says of labelled texts, beside what is right.

    nlp (Language): The pipeline.
    gold (Path): A labelled `.spacy` file, or a folder of them.
    component (str | None): Whose answers; by default the only component that has a posterior.
    labels (RunLabels | None): Of a run, by whose names of now the model's labels are read.
    measured (Collection | None): The labels that count; None for all.
    RAISES (AlError): As `find_component` and `read_gold`.
    """
    name = find_component(nlp, component)
    row = FACTORIES[nlp.get_pipe_meta(name).factory]
    found = read_gold(nlp, name, gold)
    today = labels.today if labels is not None else str
    read, temperature = reader_of(nlp, name), fitted_temperature(nlp, name)
    said = []
    # a posterior of entities is larger than its text
    for part in batched(list(zip(found.docs, found.answers)), TOGETHER):
        posteriors = read(nlp.get_pipe(name), [doc for doc, _ in part], temperature)
        said += [
            list(chosen_labels(posterior, answer, today))
            for posterior, (_, answer) in zip(posteriors, part)
        ]
    wanted = list(map(_wanted, found.answers))
    if measured is not None:
        said = [[one for one in row if one[0] in measured] for row in said]
        wanted = [[label for label in row if label in measured] for row in wanted]
    ids = [content_hash(doc.text) for doc in found.docs]
    return TextAnswers(said, wanted, row.task == "categories", ids)


def _wanted(answer: Answer) -> list[Any]:
    if isinstance(answer, SpanAnswer):
        return [label for _, _, label in answer.spans]
    if isinstance(answer, dict):
        return [label for label, is_right in answer.items() if is_right]
    return [label for label in answer if label is not None]
