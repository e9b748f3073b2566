"""How often the gate of `promote` is wrong: equal candidates that it lets pass, better ones that it finds.

    python -m spacy_al.bench.gate

Texts are drawn with answers to find, hard and easy ones, hard for both models alike; a model finds each answer with some probability and adds
some that are wrong. Equal models differ by luck alone. What theory says of better ones is the power of a test of a normal difference with
the spread that the draws have.
"""

from typing import Annotated

import numpy
import typer
from scipy.stats import binomtest, norm
from typer import Option
from wasabi import table

from spacy_al.measures.paired import LEVEL, f_difference, mean_f
from spacy_al.types import Floats

# Answers to find in a text, on average; wrong ones of a model; how likely an answer is found; how much the text matters
WANTED, WRONG, FOUND, HARD = 2.0, 0.25, 0.7, 0.4


def draw_pair(rng: numpy.random.Generator, n: int, better: float = 0.0) -> tuple[Floats, Floats]:
    """What a candidate and the model in use get right of N texts. (N, 1, 3) each: right, said, wanted.

    n (int): Texts.
    better (float): How much likelier the candidate finds an answer.
    """
    wanted, ease = rng.poisson(WANTED, n), rng.beta(2, 2, n)

    def one(found: float) -> Floats:
        right = rng.binomial(wanted, numpy.clip(found + HARD * (ease - 0.5), 0, 1))
        said = right + rng.poisson(WRONG * (1.5 - ease))
        return numpy.stack([right, said, wanted], axis=1)[:, None, :].astype("f8")

    return one(FOUND + better), one(FOUND)


def gain_of(better: float, seed: int = 0) -> float:
    """The difference of F that a likelier find makes, on many texts."""
    new, old = draw_pair(numpy.random.default_rng(seed), 400_000, better)
    return float(mean_f(new.sum(axis=0)) - mean_f(old.sum(axis=0)))


def better_for(points: float) -> float:
    """How much likelier an answer has to be found for so much more F, to a hundredth of a point."""
    low, high = 0.0, 0.3
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if gain_of(middle) < points else (low, middle)
    return (low + high) / 2


def passed(n: int, draws: int, better: float, seed: int) -> tuple[int, Floats]:
    """How many of so many candidates pass, and the differences of F that were seen."""
    rng = numpy.random.default_rng(seed)
    found = [f_difference(*draw_pair(rng, n, better), seed=k) for k in range(draws)]
    known = [one for one in found if one is not None]
    return sum(one.low > 0 for one in known), numpy.array([one.gain for one in known])


def gate_cli(
    texts: Annotated[int, Option(help="Held-out texts")] = 500,
    draws: Annotated[int, Option(help="Candidates of each kind")] = 500,
    points: Annotated[float, Option(help="F that the better ones have more")] = 0.02,
    seed: Annotated[int, Option(help="Of the draws")] = 0,
) -> None:
    """Print how many equal and how many better candidates pass."""
    rows = []
    for name, better in (("equal", 0.0), (f"{points:+.2f}", better_for(points))):
        k, gains = passed(texts, draws, better, seed)
        low, high = binomtest(k, draws).proportion_ci(method="exact")
        theory = norm.cdf(gains.mean() / gains.std() - norm.ppf(LEVEL)) if better else 1 - LEVEL
        rows.append(
            (
                name,
                f"{gains.mean():+.4f}",
                f"{gains.std():.4f}",
                f"{k / draws:.3f}",
                f"{low:.3f} to {high:.3f}",
                f"{theory:.3f}",
            )
        )
    header = ("candidate", "F more", "spread", "passes", "exact interval", "theory")
    typer.echo(table(rows, header=header, divider=True))


if __name__ == "__main__":
    typer.run(gate_cli)
