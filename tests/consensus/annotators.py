"""Annotators made of chance, who are right at given rates: of categories, and of spans."""

import numpy

from spacy_al.consensus.spans import make_span_votes
from spacy_al.consensus.votes import make_votes

LABELS = "ABC"


def vote(seed, n, k, rights, asked=3):
    """Texts with one of k categories. rights: how often each annotator is right; None says anything, whatever the text.

    RETURNS: what is right, and the votes.
    """
    rng = numpy.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    rows = []
    for item, own in enumerate(truth):
        for who in rng.permutation(len(rights))[:asked]:
            if rights[who] is None:
                said = rng.integers(0, k)
            else:
                is_right = rng.random() < rights[who]
                said = own if is_right else (own + rng.integers(1, k)) % k
            rows.append((item, int(who), int(said)))
    return truth, make_votes(rows, range(k))


def mark(seed, n_texts, rights, asked=3, labels=LABELS):
    """Texts with entities, of labels that are alike frequent, or of the first most often where there are many. Who is wrong about one misses it, gives it another label or another boundary, and marks one too many as often.

    RETURNS: what is right by text, and the votes.
    """
    rng = numpy.random.default_rng(seed)
    said, sites, gold = {}, [], {}
    for text in range(n_texts):
        length, right, place = int(rng.integers(12, 40)), set(), 0
        for _ in range(int(rng.integers(0, 4))):
            start = place + int(rng.integers(0, 8))
            place = start + int(rng.integers(1, 4))
            if place <= length:
                right.add((start, place, labels[_label(rng, labels)]))
        gold[text] = right
        panel = [int(who) for who in rng.permutation(len(rights))[:asked]]
        marks = {who: _marks(rng, sorted(right), length, rights[who], labels) for who in panel}
        candidates = set().union(*marks.values())
        said |= {(text, who): {one: one in marks[who] for one in candidates} for who in panel}
        sites += [(text, panel, label, length) for label in labels]
    return gold, make_span_votes(said, sites, flat=True)


def _label(rng, labels):
    """Each of three as often as the others; of many the tenth a tenth as often as the first."""
    if len(labels) == 3:
        return rng.integers(3)
    shares = 1 / numpy.arange(1, len(labels) + 1)
    return rng.choice(len(labels), p=shares / shares.sum())


def _marks(rng, right, length, rate, labels=LABELS):
    found = set()
    if rate is None:
        found = {_anywhere(rng, length, labels) for _ in range(int(rng.integers(0, 4)))}
    for start, end, label in right if rate is not None else ():
        kind = rng.integers(3)
        if rng.random() < rate:
            found.add((start, end, label))
        elif kind == 0:
            found.add(
                (
                    start,
                    end,
                    labels[(labels.index(label) + rng.integers(1, len(labels))) % len(labels)],
                )
            )
        elif kind == 1:
            found.add((start, end + 1, label) if end < length else (start, end, label))
    if rate is not None and rng.random() < 1 - rate:
        found.add(_anywhere(rng, length, labels))
    kept = []
    for one in sorted(found, key=lambda one: (one[1], one[0])):
        if not kept or kept[-1][1] <= one[0]:
            kept.append(one)
    return set(kept)


def _anywhere(rng, length, labels):
    start = int(rng.integers(0, length))
    return start, min(length, start + int(rng.integers(1, 4))), labels[rng.integers(len(labels))]
