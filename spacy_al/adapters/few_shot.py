"""A few labelled texts as examples for the prompts of spacy-llm, which `spacy.FewShotReader.v1` reads.

In the form of the third versions of its tasks: NER and SpanCat with a reason for each span, TextCat with the categories that apply.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_al.corpus.shard import WEAK_KEY, writing
from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.decision import INCORRECT, undecided

NAME, FILE = "spacy-llm", "few_shot.json"
KINDS = ("entities", "spans", "categories")
# Texts that go into a prompt: more cost more with each call
MOST = 8
# What spacy-llm calls a span, or a text, that has no label
NOTHING = "==NONE=="


def write_few_shot(
    docs: Iterable[Doc], path: Path, *, kind: str, spans_key: str = "sc", most: int = MOST
) -> int:
    """Write examples that between them have as many of the labels as they can, each as often as the others.

    docs (Iterable[Doc]): As answers left them. Texts that nobody but a function, a model or a teacher has labelled are no examples, and neither
        are those that are labelled in part.
    path (Path): The JSON file.
    kind (str): "entities", "spans" or "categories".
    spans_key (str): Where spans are.
    most (int): How many texts.
    RETURNS (int): How many there are.
    RAISES (AlError): AL266 (UsageError) for another kind, AL047.
    """
    if kind not in KINDS:
        kinds = ", ".join(KINDS)
        raise UsageError(Errors.AL266.format(format=NAME, kind=kind, kinds=kinds))
    own = [
        (example, labels)
        for doc in docs
        if WEAK_KEY not in doc.user_data and not undecided(doc, kind).any()
        for example, labels in [_example(doc, kind, spans_key)]
        if labels
    ]
    chosen = [own[row][0] for row in cover_labels([labels for _, labels in own], most)]
    with writing(path) as file:
        file.write(json.dumps(chosen, indent=2, ensure_ascii=False) + "\n")
    return len(chosen)


def cover_labels(found: Sequence[Counter[str]], most: int) -> list[int]:
    """Rows that cover labels: one after the other, each time the one that has most that were not there yet, then most of what was chosen least often.

    found (Sequence[Counter]): Of each text how often it has each label.
    most (int): How many rows.
    RETURNS (list[int]): At most so many, in the order in which they were chosen; of equal ones the text with the fewest labels, which is the clearest.
    """
    seen: Counter[str] = Counter()
    rows = list[int]()
    left = [*range(len(found))]
    while left and len(rows) < most:
        best = max(
            left,
            # what was not there yet comes first; then a label counts half when it was there once, a third when twice
            key=lambda row: (
                sum(not seen[label] for label in found[row]),
                sum(1 / (1 + seen[label]) for label in found[row]),
                -found[row].total(),
                -row,
            ),
        )
        rows.append(best)
        left.remove(best)
        seen.update({*found[best]})
    return rows


def _example(doc: Doc, kind: str, spans_key: str) -> tuple[dict[str, Any], Counter[str]]:
    if kind == "categories":
        applies = [label for label, value in doc.cats.items() if value >= 0.5]
        answer = ",".join(applies) or NOTHING
        return {"text": doc.text, "answer": answer}, Counter(applies or [NOTHING])
    spans = doc.ents if kind == "entities" else doc.spans.get(spans_key, ())
    found = [
        (s.start_char, s.text, True, s.label_, f"annotators marked it as {s.label_}") for s in spans
    ]
    found += [
        (s.start_char, s.text, False, NOTHING, f"annotators said that it is no {s.label_}")
        for s in doc.spans.get(INCORRECT, ())
    ]
    rows = [
        {"text": text, "is_entity": is_entity, "label": label, "reason": reason}
        for _, text, is_entity, label, reason in sorted(found)
    ]
    return {"text": doc.text, "spans": rows}, Counter(str(row["label"]) for row in rows)
