"""Whether to ask again or anew, and whom: what one more answer is worth, per second of the person who gives it.

An answer is worth how much surer it makes one of what is right, on average over what might be answered. A text that nobody has
answered is on the same scale, so that a second opinion on one and a first on another can be compared, as in ActiveLab (Goh and
Mueller, 2023), which has weights in place of probabilities.
"""

import numpy

from spacy_al.types import Floats


def gain_of_answer(probs: Floats, knows: float, guesses: Floats) -> Floats:
    """How much an answer is expected to raise the probability of the likeliest label, shape (n_texts,), 0 or more.

    probs (Floats): What is believed of each text before it, shape (n_texts, n_labels): a consensus, or a model of new texts.
    knows (float), guesses (Floats): How often who is asked knows the label, and what they say else, shape (n_labels,), as in `Mace`.
    """
    place = probs.argmax(axis=1)
    rows = numpy.arange(len(probs))
    best = probs[rows, place]
    others = probs.copy()
    others[rows, place] = -1.0
    second = (
        numpy.maximum(others.max(axis=1), 0.0) if probs.shape[1] > 1 else numpy.zeros(len(probs))
    )
    # the best label that is not the one that is answered
    rival = numpy.repeat(best[:, None], probs.shape[1], axis=1)
    rival[rows, place] = second
    guessed = (1 - knows) * guesses
    after = numpy.maximum(probs * (knows + guessed), rival * guessed)
    found: Floats = numpy.maximum(after.sum(axis=1) - best, 0.0)
    return found


def gain_of_check(log_odds: Floats, finds: Floats, spurious: Floats) -> Floats:
    """The same for candidates of a text, each right or wrong, shape (n_candidates,).

    log_odds (Floats): What is believed of each candidate, shape (n_candidates,).
    finds, spurious (Floats): How often who is asked marks what is right, and what is not, of its label, same shape.
    """
    p = 1 / (1 + numpy.exp(-log_odds))
    yes = numpy.maximum(p * finds, (1 - p) * spurious)
    no = numpy.maximum(p * (1 - finds), (1 - p) * (1 - spurious))
    found: Floats = numpy.maximum(yes + no - numpy.maximum(p, 1 - p), 0.0)
    return found


def whom_to_ask(gains: Floats, seconds: Floats, may: Floats, n: int) -> list[tuple[int, int]]:
    """The answers to ask for, dearest gain first: pairs of text and annotator, one a text.

    gains (Floats): Of an answer, shape (n_texts, n_annotators).
    seconds (Floats): That an answer of each annotator takes, shape (n_annotators,).
    may (Floats): 1 where an annotator may be asked, 0 where they have answered the text, shape (n_texts, n_annotators).
    n (int): Pairs at most; fewer where no answer is worth anything.
    """
    worth = numpy.where(may > 0, gains / seconds, 0.0)
    who = worth.argmax(axis=1)
    best = worth[numpy.arange(len(worth)), who]
    order = numpy.argsort(-best, kind="stable")[:n]
    return [(int(text), int(who[text])) for text in order if best[text] > 0]
