"""Where a model holds a label to be likely that the run got after texts were labelled, and what becomes of these texts until they are asked again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.config.project import Project
from spacy_al.kinds import FACTORIES
from spacy_al.loop.answers import merged_answers
from spacy_al.posteriors.component import TrainedComponent, open_component
from spacy_al.store.store import Store
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.later import leave_open
from spacy_al.tasks.merge import Merged
from spacy_al.tasks.relabel import names_in, relabel_doc
from spacy_al.util import content_hash

# From this probability on what was answered without a label does not count against it. A token that is left open costs little,
# as there are many others; one that wrongly stays nothing teaches the model not to find the label. docs/labels.md has what other
# thresholds find
LIKELY = 0.1
# The same where more is lost: on what somebody has marked, and where all of a text is left out. Only what the model would answer
LIKELIER = 0.5


@dataclass(frozen=True)
class Likely:
    """The places where a model holds a label to be likely: its greatest probability there, and the tokens."""

    prob: float
    tokens: tuple[int, ...] = ()


def open_model(project: Project, model: Path) -> TrainedComponent | None:
    """The component of a round's model, if there is one."""
    if not model.is_dir():
        return None
    return open_component(
        str(model), project.settings.component, code=project.code_text, gpu_id=project.gpu_id
    )


def likely_places(
    component: TrainedComponent | None,
    labels: RunLabels,
    docs: Sequence[Doc],
    lacking: Mapping[str, Sequence[str]],
    *,
    kind: str,
) -> dict[str, dict[str, Likely]]:
    """Where labels are likely that nobody was asked about.

    component (TrainedComponent | None): Of a model; None finds nothing, and neither does one that does not know the label.
    labels (RunLabels): Of the run, by whose names of now the model's are read.
    docs (Sequence[Doc]): The texts as answers left them.
    lacking (Mapping): Id of a text -> labels.
    kind (str): "entities", "spans", "tags" or "categories".
    RETURNS (dict): Id of a text -> label -> where.
    """
    if component is None:
        return {}
    own: dict[str, list[int]] = {}
    for column, name in enumerate(component.labels):
        own.setdefault(labels.today(name) or "", []).append(column)
    texts = {content_hash(doc.text): doc for doc in docs}
    wanted = {
        item: [name for name in names if name in own]
        for item, names in lacking.items()
        if item in texts
    }
    wanted = {item: names for item, names in wanted.items() if names}
    if not wanted:
        return {}
    bare = [
        Doc(
            component.nlp.vocab,
            words=[token.text for token in texts[item]],
            spaces=[bool(token.whitespace_) for token in texts[item]],
        )
        for item in wanted
    ]
    found: dict[str, dict[str, Likely]] = {}
    for (item, names), posterior in zip(wanted.items(), component.marginals(bare)):
        for name in names:
            place = _place(posterior, name, labels, texts[item], kind)
            if place is not None:
                found.setdefault(item, {})[name] = place
    return found


def _place(posterior: Any, name: str, labels: RunLabels, doc: Doc, kind: str) -> Likely | None:
    columns = [k for k, label in enumerate(posterior.labels) if labels.today(label) == name]
    if kind == "categories":
        prob = float(
            posterior.probs[columns].sum()
            if posterior.exclusive
            else posterior.probs[columns].max()
        )
        return Likely(prob) if prob >= (LIKELIER if posterior.exclusive else LIKELY) else None
    if kind == "spans":
        spans = [s for s in posterior.spans if labels.today(s.label) == name and s.prob >= LIKELIER]
        tokens = sorted({token for span in spans for token in range(span.start, span.end)})
        return Likely(max(span.prob for span in spans), tuple(tokens)) if spans else None
    probs = posterior.token_probs[:, columns].sum(axis=1)
    marked = [token.ent_type_ if kind == "entities" else token.tag_ for token in doc]
    least = [LIKELIER if mark else LIKELY for mark in marked]
    there = numpy.array([mark == name for mark in marked], dtype=bool)
    tokens = numpy.flatnonzero((probs >= numpy.array(least)) & ~there).tolist()
    return Likely(float(probs[tokens].max()), tuple(tokens)) if tokens else None


def merged_with_model(
    store: Store, project: Project, component: TrainedComponent | None, upto: int
) -> Merged:
    """The docs that answers make, open where a label is likely that the run got after them."""
    merged = merged_answers(store, project, upto=upto)
    places = likely_places(
        component, store.labels(), merged.docs, merged.lacking, kind=project.kind
    )
    if not places:
        return merged
    likely = {
        item: {label: one.tokens for label, one in found.items()} for item, found in places.items()
    }
    return merged_answers(store, project, upto=upto, likely=likely)


def prepare_train(
    project: Project,
    labels: RunLabels,
    component: TrainedComponent | None,
    docs: list[Doc],
    left: Counter[str],
    asked: Sequence[str] = (),
) -> list[Doc]:
    """What was labelled before the run, in the labels of now, and open where one is likely that it has not anywhere.

    docs (list[Doc]): Of `paths.train`. A label that is on any of them counts as one that all of them were labelled with.
    left (Counter): Counts texts that are open, or left out.
    asked (Sequence[str]): Labels that count as later ones where the docs have none of them: a pipeline that the run began with was
        trained on these docs without them.
    """
    if not labels.is_known:
        return docs
    kind, spans_key = project.kind, project.settings.spans_key
    for doc in docs:
        relabel_doc(doc, labels, kind, spans_key)
    there = names_in(docs, kind, spans_key)
    later = [name for name in dict.fromkeys([*labels.later(0), *asked]) if name not in there]
    if not later:
        return docs
    lacking = dict.fromkeys((content_hash(doc.text) for doc in docs), later)
    places = likely_places(component, labels, docs, lacking, kind=kind)
    exclusive = FACTORIES[project.settings.factory or ""].is_exclusive
    kept = []
    for doc in docs:
        tokens = {
            token for one in places.get(content_hash(doc.text), {}).values() for token in one.tokens
        }
        if content_hash(doc.text) not in places or (kind == "categories" and not exclusive):
            kept.append(doc)
            continue
        if kind in ("entities", "tags"):
            left["open for a label"] += 1
            leave_open(doc, tokens, kind)
            kept.append(doc)
        else:
            left["waits for a label"] += 1
    return kept
