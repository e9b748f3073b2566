"""What private draws cost in labels: a linear classifier on words learns from texts that are chosen with one epsilon or another.

`python -m spacy_al.bench.private CORPORA/sms_spam CORPORA/banking77`
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer import Option
from wasabi import table

from spacy_al.corpus.shard import read_shard
from spacy_al.selection.private import expected_overlap, exponents, private
from spacy_al.selection.rank import top_k, uniform
from spacy_al.types import Floats, Ints, Sampler

EPSILONS = (0.5, 1.0, 2.0, 4.0, 8.0)


def arms(epsilons: Sequence[float] = EPSILONS) -> dict[str, Sampler]:
    """What is compared: chance, the highest scores, and private draws from the same scores."""
    draws = {f"epsilon {e:g} a batch": partial(private, epsilon=e) for e in epsilons}
    return {"random": uniform, "highest margins": top_k, **draws}


def learn(
    pool: Any,
    labels: Ints,
    test: Any,
    right: Ints,
    take: Sampler,
    *,
    start: int,
    batch: int,
    rounds: int,
    seed: int,
) -> tuple[list[float], list[float]]:
    """Label a pool again, batch by batch.

    pool, test (Any): (N, d) features of the texts, sparse.
    labels, right (Ints): (N,) their categories.
    take (Sampler): Chooses by margins, 1 - (p1 - p2), from 0 to 1.
    start, batch, rounds (int): Texts labelled at first and in each round.
    seed (int): Of the start and of the draws.
    RETURNS (tuple): After the start and after each round the macro F on test, in hundredths; of each round the share of the highest scores that is expected
        in its batch, of private draws.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    rng = numpy.random.default_rng([seed, 7])
    order = rng.permutation(len(labels))
    known, left = order[:start], numpy.sort(order[start:])
    scores, overlaps = list[float](), list[float]()
    for number in range(rounds + 1):
        model = LogisticRegression(C=30.0, max_iter=300, class_weight="balanced")
        model.fit(pool[known], labels[known])
        found = f1_score(right, model.predict(test), average="macro", zero_division=0)
        scores.append(100.0 * float(found))
        if number == rounds:
            return scores, overlaps
        best = numpy.sort(model.predict_proba(pool[left]), axis=1)[:, -2:]
        margins = 1.0 - (best[:, 1] - best[:, 0])
        if epsilon := getattr(take, "keywords", None):
            logs = exponents(margins, batch, **epsilon, bound=1.0)
            overlaps.append(expected_overlap(logs, batch))
        rows, *_ = take(margins, batch, numpy.random.default_rng([seed, number]))
        known = numpy.concatenate([known, left[rows]])
        left = numpy.delete(left, rows)
    raise AssertionError("the last round returns")


def read_features(corpus: Path) -> tuple[Any, Ints, Any, Ints]:
    """The texts of a corpus as weights of words and pairs of words, and their categories as numbers: of train, then of test."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    docs, others = ([*read_shard(corpus / f"{name}.spacy", Vocab())] for name in ("train", "test"))
    names = sorted(docs[0].cats)

    def numbers(some: Sequence[Doc]) -> Ints:
        best = [max(doc.cats, key=doc.cats.__getitem__) for doc in some]
        return numpy.array([names.index(name) for name in best])

    weigh = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    train = weigh.fit_transform([doc.text for doc in docs])
    return train, numbers(docs), weigh.transform([doc.text for doc in others]), numbers(others)


def texts_until(scores: Floats, target: float, start: int, batch: int) -> float | None:
    """How many labelled texts a curve takes to a score, between rounds in proportion; None if it does not get there."""
    best = numpy.maximum.accumulate(scores)
    reached = numpy.flatnonzero(best >= target)
    if not len(reached):
        return None
    after = int(reached[0])
    if after == 0:
        return float(start)
    low, high = float(best[after - 1]), float(best[after])
    return start + batch * (after - 1 + (target - low) / (high - low))


def private_cli(
    corpora: Annotated[list[Path], typer.Argument(help="Folders with train.spacy and test.spacy")],
    start: Annotated[int, Option(help="Texts labelled at first")] = 100,
    batch: Annotated[int, Option(help="Texts a round")] = 50,
    rounds: Annotated[int, Option(help="Rounds")] = 8,
    seeds: Annotated[int, Option(help="Seeds")] = 5,
) -> None:
    """Measure what private draws cost, beside chance and the highest scores."""
    for corpus in corpora:
        pool, labels, test, right = read_features(corpus)
        run: Callable[..., Any] = partial(
            learn, pool, labels, test, right, start=start, batch=batch, rounds=rounds
        )
        curves, overlaps = dict[str, Any](), dict[str, float]()
        for name, take in arms().items():
            found = [run(take, seed=seed) for seed in range(seeds)]
            curves[name] = numpy.array([scores for scores, _ in found])
            values = [value for _, own in found for value in own]
            overlaps[name] = float(numpy.mean(values)) if values else numpy.nan
        target = float(curves["random"].mean(axis=0)[-1])
        rows = []
        for name, own in curves.items():
            texts = texts_until(own.mean(axis=0), target, start, batch)
            last = own[:, -1]
            rows.append(
                (
                    name,
                    f"{last.mean():.1f} ({last.min():.1f} to {last.max():.1f})",
                    "not reached" if texts is None else f"{texts:.0f}",
                    "" if numpy.isnan(overlaps[name]) else f"{overlaps[name]:.1%}",
                )
            )
        typer.echo(f"{corpus.name}: {pool.shape[0]:,} texts, {test.shape[0]:,} to test on")
        until = f"texts until {target:.1f}"
        header = ("chooses", f"macro F at {start + batch * rounds} texts", until, "overlap")
        typer.echo(table(rows, header=header, divider=True, aligns=("l", "l", "r", "r")))


if __name__ == "__main__":
    typer.run(private_cli)
