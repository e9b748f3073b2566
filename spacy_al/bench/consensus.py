"""What a consensus of several annotators is worth where one of them says anything, and what asking again saves.

`python -m spacy_al.bench.consensus CORPORA`, a folder of `NAME/train.spacy` with entities or categories.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy
import typer
from spacy.tokens import Doc
from typer import Option
from wasabi import table

from spacy_al.bench.again import ARMS, labels_needed
from spacy_al.bench.crowd import NAMES, PEOPLE, RIGHTS, Crowd, make_crowd, read_texts
from spacy_al.bench.machine import describe
from spacy_al.consensus.apart import best_apart
from spacy_al.consensus.dawid_skene import dawid_skene
from spacy_al.consensus.mace import mace
from spacy_al.consensus.majority import majority
from spacy_al.consensus.reliability import (
    category_reliability,
    interval,
    span_reliability,
)
from spacy_al.consensus.spans import SpanVotes, span_consensus, span_majority
from spacy_al.consensus.votes import Votes
from spacy_al.errors import AlError, Errors
from spacy_al.tasks.decision import Mark
from spacy_al.types import Floats

CATEGORY_METHODS: dict[str, Callable[[Votes], Floats]] = {
    "majority": majority,
    "dawid_skene": lambda votes: dawid_skene(votes).probs,
    "mace": lambda votes: mace(votes).probs,
}
SPAN_METHODS: dict[str, Callable[[SpanVotes], Floats]] = {
    "majority": span_majority,
    "dawid_skene": lambda votes: span_consensus(votes).probs,
}


def crowd_score(crowd: Crowd, found: Sequence[set[Mark]]) -> float:
    """F of spans, or the share of categories that are right."""
    hits = sum(len(one & right) for one, right in zip(found, crowd.gold))
    return 2 * hits / (sum(map(len, found)) + sum(map(len, crowd.gold)))


def chosen_marks(crowd: Crowd, votes: Votes | SpanVotes, probs: Floats) -> list[set[Mark]]:
    """What a consensus says of each text."""
    found = [set[Mark]() for _ in crowd.gold]
    if isinstance(votes, Votes):
        for item, label in zip(votes.item_names, probs.argmax(axis=1).tolist()):
            found[item] = {(0, 0, votes.label_names[label])}
        return found
    order = numpy.argsort(votes.texts, kind="stable")
    cuts = numpy.flatnonzero(numpy.diff(votes.texts[order])) + 1
    for rows in numpy.split(order, cuts) if len(order) else ():
        starts, ends = votes.starts[rows].tolist(), votes.ends[rows].tolist()
        chosen = rows[best_apart(starts, ends, (probs[rows] - 0.5).tolist())]
        found[votes.text_names[votes.texts[rows[0]]]] = {
            (int(votes.starts[i]), int(votes.ends[i]), votes.label_names[votes.labels[i]])
            for i in chosen
        }
    return found


def compare_methods(docs: Sequence[Doc], n: int, asked: int, seeds: int) -> dict[str, list[float]]:
    """Scores of each method, and of each annotator, and how often intervals hold what is so; a number a seed.

    docs (Sequence[Doc]): With labels.
    n (int): Texts of a crowd.
    asked (int): How many of the crowd answer each of them.
    seeds (int): Crowds.
    """
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(float(value))

    for seed in range(seeds):
        crowd = make_crowd(docs, n, seed)
        rng = numpy.random.default_rng(seed)
        people = [sorted(rng.permutation(PEOPLE)[:asked].tolist()) for _ in range(n)]
        if crowd.is_spans:
            spans = crowd.span_votes(people)
            for name, fit in SPAN_METHODS.items():
                note(name, crowd_score(crowd, chosen_marks(crowd, spans, fit(spans))))
            judged = span_reliability(spans, seed=seed)
            draws = judged.finds
            truth: list[float | None] = [*RIGHTS]
        else:
            votes = crowd.votes(people)
            for label, fit_votes in CATEGORY_METHODS.items():
                note(label, crowd_score(crowd, chosen_marks(crowd, votes, fit_votes(votes))))
            judged = category_reliability(votes, seed=seed)
            truth = [1 / len(crowd.labels) if rate is None else rate for rate in RIGHTS]
            draws = judged.right
        assert draws is not None
        for who, name in enumerate(NAMES):
            middle, low, high = interval(draws[:, who])
            note(f"{name} estimated", middle)
            if (rate := truth[who]) is not None:
                note(f"{name} held", low <= rate <= high)
            note(f"{name} named", who in judged.spammers)
    return found


def format_comparison(name: str, found: dict[str, list[float]], seeds: int) -> str:
    """Tables of one corpus."""
    methods = [one for one in found if one in CATEGORY_METHODS]
    base = numpy.array(found["majority"])
    rows = []
    for method in methods:
        own = numpy.array(found[method])
        gain = own - base
        rows.append(
            (
                method,
                f"{own.mean():.3f} ± {own.std():.3f}",
                f"{gain.mean():+.3f}",
                f"{(gain > 0).sum()} of {seeds}",
            )
        )
    first = table(
        rows,
        header=(name, "score ± spread", "more than majority", "better in"),
        divider=True,
        aligns=("l", "r", "r", "r"),
    )
    people = [
        (
            who,
            f"{numpy.mean(found[f'{who} estimated']):.3f}",
            f"{int(sum(found[f'{who} held']))} of {seeds}" if f"{who} held" in found else "",
            f"{int(sum(found[f'{who} named']))} of {seeds}",
        )
        for who in NAMES
    ]
    second = table(
        people,
        header=("annotator", "estimated", "interval holds it", "named a spammer"),
        divider=True,
        aligns=("l", "r", "r", "r"),
    )
    return f"{first}\n{second}"


def consensus_cli(
    corpora: Annotated[Path, typer.Argument(help="Folder of labelled corpora")],
    corpus: Annotated[
        list[str] | None, Option(help="Names of some of them; all by default")
    ] = None,
    texts: Annotated[int, Option(help="Texts that a crowd answers")] = 300,
    asked: Annotated[int, Option(help="Of how many of the four each text is asked")] = 3,
    seeds: Annotated[int, Option(help="Crowds")] = 20,
    again: Annotated[
        int, Option(help="Crowds with which asking again is tried; 0 leaves it out")
    ] = 5,
) -> None:
    """Measure consensus, who is how good, and asking again."""
    folders = [
        folder
        for folder in sorted(corpora.iterdir() if corpora.is_dir() else ())
        if (folder / "train.spacy").is_file() and (not corpus or folder.name in corpus)
    ]
    if not folders:
        known = ", ".join(corpus or ["NAME/train.spacy"])
        raise AlError(Errors.AL431.format(path=corpora, known=known))
    machine = describe()
    typer.echo(f"{machine['processor']}, {machine['cores']} cores, {machine['versions']}")
    for folder in folders:
        docs = read_texts(folder)
        found = compare_methods(docs, texts, asked, seeds)
        typer.echo(format_comparison(folder.name, found, seeds))
        if again:
            needed = labels_needed(docs, texts, again, crowd_score, chosen_marks)
            rows = [
                (
                    arm,
                    f"{numpy.mean(needed[arm]):.0f} ± {numpy.std(needed[arm]):.0f}",
                    f"{1 - numpy.mean(needed[arm]) / numpy.mean(needed[ARMS[0]]):.0%}",
                )
                for arm in ARMS
            ]
            typer.echo(
                table(
                    rows,
                    header=(
                        "further answers",
                        f"to a score of {numpy.mean(needed['score']):.3f}",
                        "fewer",
                    ),
                    divider=True,
                    aligns=("l", "r", "r"),
                )
            )


if __name__ == "__main__":
    typer.run(consensus_cli)
