"""The corpus of a round: what answers teach, what was labelled before, and what a model adds where the config lets it."""

import sys
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.config.project import Project
from spacy_al.corpus.tokeniser import blank_pipeline
from spacy_al.errors import AlWarning, Warnings
from spacy_al.evaluation.gold import stored_docs, unaligned_marks
from spacy_al.loop.answers import merged_answers, settled_answers
from spacy_al.loop.likely import merged_with_model, open_model, prepare_train
from spacy_al.loop.start import keep_labels_in, labels_kept, open_start
from spacy_al.loop.taught import add_taught_texts
from spacy_al.metrics import RoundMetrics
from spacy_al.store.store import Store
from spacy_al.tasks.merge import write_round_corpus
from spacy_al.tasks.records import Round
from spacy_al.tasks.white_space import BLANK, TRIMMED
from spacy_al.training.pseudo_texts import add_pseudo_texts
from spacy_al.training.pseudo_tokens import label_rest
from spacy_al.training.round import TRAIN
from spacy_al.training.weak_labels import weak_docs


@dataclass(frozen=True)
class RoundCorpus:
    """The texts that a round has to train on.

    counts (Counter): As `write_round_corpus`.
    n_pseudo_words (int): Words of whole texts that only a model labelled.
    n_taught_words (int): Words of texts that only a teacher labelled, by how often training sees them.
    is_learnable (bool): Whether a component learns anything from it. A text without any category is an example; a component
        that knows no other label has no posterior.
    metrics (RoundMetrics): What is kept of it with the round.
    """

    counts: Counter[str]
    n_pseudo_words: int
    n_taught_words: int
    is_learnable: bool
    metrics: RoundMetrics


def make_round_corpus(store: Store, project: Project, current: Round) -> RoundCorpus:
    """Write the corpus of a round, from the answers there were when it was opened; and dev, where that is asked for as well.

    Weak labels stand in for answers as long as there are none.

    RAISES (AlError): As `merged_answers`, `write_round_corpus`, `label_rest`, `weak_docs`, `add_taught_texts` and `add_pseudo_texts`.
    """
    folder, settings = project.folder(current.number), project.settings
    labels, before = store.labels(), model_before(project, current.number)
    start = open_start(project)
    kept = labels_kept(project, start, labels)
    # a model is opened only where it has something to say
    has_later = len(labels.operations) > 1 or (kept and settings.train)
    component = open_model(project, before) if has_later else None
    merged = merged_with_model(store, project, component, current.upto)
    review = list(merged.review)
    if settings.dev is None:
        dev = merged_answers(store, project, upto=current.upto, purpose="dev")
        review += dev.review
        write_round_corpus(None, dev, project.dev, Vocab())
    settled = settled_answers(store, project, current.upto)
    if settled.why:
        warnings.warn(
            Warnings.W430.format(method=settled.method, why=settled.why), AlWarning, stacklevel=2
        )
    own = label_rest(project, before, merged.docs)
    rest: RoundMetrics = {**own}
    if kept:
        rest["kept_marks"] = keep_labels_in(project, start, merged.docs, labels)
    if settings.weak and not merged.docs:
        better = (settings.train, project.dev, settings.test)
        merged = replace(merged, docs=weak_docs(settings.weak, better))
        rest["weak"] = len(merged.docs)
    corpus = folder / TRAIN
    left: Counter[str] = Counter()

    def prepare(docs: list[Doc]) -> list[Doc]:
        ready = prepare_train(
            project, labels, component, docs, left, settings.labels if kept else ()
        )
        keep_labels_in(project, start, ready, labels)
        return ready

    counts = write_round_corpus(settings.train, merged, corpus, Vocab(), prepare)
    merged.report.update(left)
    found = Counter({why: counts[why] for why in (TRIMMED, BLANK) if counts[why]})
    if found:
        project.show(
            f"⚠ Entities or spans in paths.train: {found[TRIMMED]} have white space at their edges, which was cut off, and "
            f"{found[BLANK]} are white space alone and were left out"
        )
    if current.number == 0:
        say_unaligned(project)
    asked = store.asked_ids(before_round=current.number)
    taught = add_taught_texts(store, project, current.number, corpus, merged)
    if taught.metrics:
        rest["teacher"] = taught.metrics
    counts.update(
        {name: count for name, count in taught.counts.items() if name.startswith("label ")}
    )
    pseudo = add_pseudo_texts(project, current.number, corpus, asked)
    if kept:
        # what it was trained on before teaches it nothing new
        has_labels = bool(merged.docs) or any(counts[f"label {label}"] for label in settings.labels)
    else:
        has_labels = project.kind == "categories" or any(
            name.startswith("label ") for name in counts
        )
    metrics: RoundMetrics = {
        "texts": counts["texts"],
        "words": counts["words"],
        "words_labelled": counts["words decided"],
        **rest,
        **pseudo,
        "balance": dict(merged.balance),
        "labelled": {label: counts[f"label {label}"] for label in merged.balance},
        "merged": dict(merged.report + found),
        "review": review,
    }
    if settings.consensus.method != "none":
        metrics["consensus"] = settled.as_metrics()
    n_pseudo_words = pseudo.get("self_trained_words", 0)
    is_learnable = bool(counts["texts"] or taught.counts["texts"]) and has_labels
    return RoundCorpus(counts, n_pseudo_words, int(taught.words), is_learnable, metrics)


def model_before(project: Project, number: int) -> Path:
    """Where the model of the round before a round is, if there is one."""
    return project.folder(number - 1) / "model-best"


def say_unaligned(project: Project) -> None:
    """Say how many entities, spans or tags of the project's corpora are on no token of its tokeniser: training passes over them without a word."""
    settings = project.settings
    if project.kind == "categories":
        return
    nlp = blank_pipeline(settings.lang, settings.tokeniser)
    nlp.max_length = sys.maxsize
    for name, path in (("train", settings.train), ("dev", settings.dev), ("test", settings.test)):
        if path is None:
            continue
        lost, total = unaligned_marks(nlp, stored_docs(path), project.kind, settings.spans_key)
        if lost:
            project.show(
                f"⚠ {lost:,} of {total:,} {project.kind} in paths.{name} are on no token of the config's tokeniser: they cannot be found, and "
                "training on its tokens passes over them. Mend the labels, or [nlp.tokenizer]"
            )
