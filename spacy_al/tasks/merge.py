"""From answers to a corpus to train on: several annotators, corrections, partial and repeated questions.

Nothing is trained that answers contradict each other about, and nothing is decided that nobody was asked.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import WEAK_KEY, read_shard, writing
from spacy_al.tasks.decision import (
    INCORRECT,
    SELF,
    WAITS,
    Annotation,
    is_exclusive,
    make_doc,
    undecided,
    write_decision,
)
from spacy_al.tasks.given import group_tasks, last_answers
from spacy_al.tasks.later import left_open, unasked
from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.tasks.text_decision import decide_text
from spacy_al.tasks.white_space import trim_doc
from spacy_al.util import content_hash


@dataclass(frozen=True)
class Merged:
    """The docs that answers make, and counts of what became of the answers.

    docs (list[Doc]): One per text, in the order in which the texts were first asked.
    review (list[str]): Ids of tasks that somebody has to look at, as answers about their texts contradict each other.
    report (Counter): Answers: `accepted`, `rejected`, `ignored`, `corrected` (a later one of the same annotator counts),
        `unknown task`. Texts: `texts` that train, of them `texts without any` label and `partial` ones; `contradiction`;
        `settled by review` or `by consensus`; answers that teach nothing: `rejected whole`, `no category`, `waits for a category`,
        `nothing decided`, `not asked whole`, `waits for a label`. Texts that are `open for a label`
        which came later. Also `rejected spans` that train, marks that are `unaligned`, further
        tasks with a `duplicate text`, and `trimmed spans` of answers, which had white space at their edges.
    balance (Counter): Label -> how many spans, tags or categories of the docs have it, 0 if none.
    lacking (dict): Ids of texts of the docs -> labels that the run got later, and that nobody was asked about in all of the text.
    waiting (list[str]): Ids of texts of which none of the categories was right when there were fewer of them.
    kind, spans_key (str): Of what is labelled.
    """

    docs: list[Doc]
    review: list[str]
    report: Counter[str]
    balance: Counter[str]
    lacking: dict[str, list[str]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    kind: str = "entities"
    spans_key: str = "sc"


def merge(
    tasks: Iterable[StoredTask],
    answers: Iterable[StoredAnswer],
    *,
    kind: str,
    labels: Sequence[str],
    spans_key: str = "sc",
    purpose: str = "train",
    likely: Mapping[str, Mapping[str, Collection[int]]] | None = None,
    settled: Mapping[str, Annotation] | None = None,
    vocab: Vocab,
) -> Merged:
    """Make training docs of answers. The order of tasks and answers makes no difference.

    tasks (Iterable[StoredTask]): All that was asked, reviews too.
    answers (Iterable[StoredAnswer]): In the form of `data.answers.check`.
    kind (str): "entities", "spans", "tags" or "categories".
    labels (Sequence[str]): All labels that are taught. What no question about one of them decides stays missing.
    spans_key (str): For the spans of a span categoriser.
    purpose (str): "train"; or "dev" for texts that were asked to measure on, which never train.
    likely (Mapping | None): Of texts by their ids the labels that a model holds to be likely, and on which tokens. Where nobody was
        asked about them, nothing is decided there; a text of which no part can be missing does not train until somebody is.
    settled (Mapping | None): Of texts by their ids the consensus, where answers contradict each other and nobody has reviewed them.
    vocab (Vocab): For the docs.
    RETURNS (Merged): Docs without user data, times or names.
    """
    report: Counter[str] = Counter()
    items = group_tasks(tasks, purpose)
    given = last_answers(answers, {task.id for tasks in items for task in tasks}, report)
    docs, review, all_lacking, waiting = [], [], dict[str, list[str]](), list[str]()
    for own in items:
        found, contradicting = decide_text(
            own, given, report, kind=kind, labels=labels, settled=(settled or {}).get(own[0].item)
        )
        if contradicting:
            report["contradiction"] += 1
            review.append(contradicting)
            continue
        for reason in sorted({one.reason for one in found if one.reason}):
            report[reason] += 1
        if found and all(one.reason == WAITS and one.later for one in found):
            waiting.append(own[0].item)
        found = [one for one in found if not one.reason]
        if not found:
            continue
        doc = make_doc(own[0].task, vocab)
        state = write_decision(
            doc,
            found,
            kind=kind,
            labels=labels,
            exclusive=is_exclusive(own[0].task),
            spans_key=spans_key,
        )
        lacking = unasked(found, doc, kind)
        places = {} if likely is None else likely.get(own[0].item, {})
        doubtful = {label: places[label] for label in lacking if label in places}
        if state in ("", "partial") and doubtful:
            left = left_open(doc, found, doubtful, kind, is_exclusive(own[0].task))
            report["open for a label"] += left == "partial"
            state = left or state
        if state in ("", "partial"):
            docs.append(doc)
        if lacking:
            all_lacking[own[0].item] = lacking
        if state:
            report[state] += 1
    counts = [count_labels(doc, kind, spans_key) for doc in docs]
    balance: Counter[str] = Counter(dict.fromkeys(labels, 0))
    for count in counts:
        balance.update(count)
    report["texts"] = len(docs)
    report["texts without any"] = sum(not count for count in counts)
    report["rejected spans"] = sum(len(doc.spans.get(INCORRECT, ())) for doc in docs)
    return Merged(docs, review, +report, balance, all_lacking, waiting, kind, spans_key)


def write_round_corpus(
    train: Path | None,
    merged: Merged,
    path: Path,
    vocab: Vocab,
    prepare: Callable[[list[Doc]], list[Doc]] | None = None,
    change: Callable[[Doc], Doc] | None = None,
) -> Counter[str]:
    """Write the corpus that a round trains on: what was labelled before, and what answers teach.

    train (Path | None): A `.spacy` file or a folder of them; its docs stay as they are, apart from white space in spans and
        from texts that were answered as well, where the answers win.
    merged (Merged): The answers.
    path (Path): Written whole or not at all. Without any doc there is no file.
    vocab (Vocab): For the docs of `train`.
    prepare (Callable | None): What becomes of those of `train` that stay, before they are written.
    change (Callable | None): What becomes of each doc when it is written.
    RETURNS (Counter): `texts` and `words`; `words decided`, those that people have labelled; texts `given` before,
        `answered`, and in `both`; spans of `train` that were trimmed or left out, as `trim_doc`; and `label X`
        for each label X, how often the whole corpus has it.
    RAISES (AlError): As `shards`, `read_shard` and `writing`.
    """
    counts: Counter[str] = Counter(answered=len(merged.docs))
    answered = {content_hash(doc.text) for doc in merged.docs}

    docs = []
    for shard in shards(train) if train else ():
        for doc in read_shard(shard, vocab):
            if content_hash(doc.text) in answered:
                counts["both"] += 1
            else:
                counts.update(trim_doc(doc, merged.kind, merged.spans_key))
                docs.append(doc)
    docs = prepare(docs) if prepare else docs
    counts["given"] = len(docs)
    docs += merged.docs
    counts["texts"] = len(docs)
    counts["words"] = sum(len(doc) for doc in docs)
    counts["words decided"] = sum(count_decided(doc, merged.kind) for doc in docs)
    for doc in docs:
        for label, count in count_labels(doc, merged.kind, merged.spans_key).items():
            counts[f"label {label}"] += count
    if not docs:
        path.unlink(missing_ok=True)
        return counts
    write_corpus([change(doc) for doc in docs] if change else docs, path)
    return counts


def write_corpus(docs: Sequence[Doc], path: Path) -> None:
    """Write docs to train on, whole or not at all."""
    # reading takes sixteen times as long where user data is stored, be it empty
    data = DocBin(docs=docs, store_user_data=any(doc.user_data for doc in docs))
    with writing(path, "wb") as file:
        file.write(data.to_bytes())


def count_labels(doc: Doc, kind: str, spans_key: str = "sc") -> Counter[str]:
    """How often each label is on a doc.

    kind (str): "entities", "spans", "tags" or "categories".
    spans_key (str): Where spans are.
    """
    if kind == "categories":
        return Counter(label for label, value in doc.cats.items() if value >= 0.5)
    if kind == "tags":
        return Counter(token.tag_ for token in doc if token.tag_)
    spans = doc.ents if kind == "entities" else doc.spans.get(spans_key, ())
    return Counter(span.label_ for span in spans)


def count_decided(doc: Doc, kind: str) -> int:
    """How many tokens of a doc people have labelled, or said to be nothing."""
    if WEAK_KEY in doc.user_data:
        return 0
    by_model = sum(len(span) for span in doc.spans.get(SELF, ()))
    return len(doc) - int(undecided(doc, kind).sum()) - by_model
