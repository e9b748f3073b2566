"""How much of a batch repeats itself, with texts of one template kept apart and without.

`python -m spacy_al.bench.redundancy POOL --model MODEL`: batch after batch, none of them asked twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from typer import Option
from wasabi import table

from spacy_al.config.settings import Settings, read_settings
from spacy_al.corpus.pool import fetch
from spacy_al.embeddings.pretrained import make_pretrained
from spacy_al.query.picks import pick
from spacy_al.query.ranking import Ranking, rank_pool
from spacy_al.query.score_pool import score_usable
from spacy_al.query.scorer import Scorer
from spacy_al.query.strategy import make_strategy
from spacy_al.selection.copies import copies
from spacy_al.selection.density import unit_rows
from spacy_al.selection.rank import uniform
from spacy_al.selection.templates import share_repeated, templates
from spacy_al.types import Floats

MEASURES = ("texts whose template came before", "nearest in the batch", "above .8", "score")


def redundancy(
    pool: Path,
    model: str,
    *,
    settings: Settings | None = None,
    labeled: Sequence[Path] = (),
    n: int = 20,
    batches: int = 10,
    sampler: str | None = None,
    embed: Callable[[Any], Floats] | None = None,
) -> dict[str, dict[str, float]]:
    """Measures of batches that are chosen one after the other, by arm: "random", "copies apart" and "templates apart".

    pool (Path): The texts.
    model (str): Its scores choose; it learns nothing between the batches.
    settings, labeled, sampler: As for `select`.
    n, batches (int): Texts in a batch, and how many batches.
    embed (Callable | None): (n,) docs -> (n, d), of which cosines are taken; by default all-MiniLM-L6-v2's.
    RETURNS (dict): Means over the batches of MEASURES: the share of texts whose template came before in the batch, the cosine of
        each text and the one most like it, the share of texts where that is above .8, and the score of what was chosen.
    """
    names: dict[str, Any] = dict.fromkeys(
        ("acquisition", "density_weight", "patterns", "component", "seconds", "seed", "lang")
    )
    strategy = make_strategy(
        settings or Settings(),
        model,
        n=n,
        round=0,
        labeled=labeled,
        trained_on=None,
        sampler=sampler,
        keep_tokens=False,
        code=None,
        gpu_id=-1,
        **names,
    )
    embed = embed or make_pretrained()
    scorer, corpora = Scorer(strategy.job), [Path(path) for path in labeled]
    scores = score_usable(pool, strategy, scorer, corpora, ())
    alike, forms = copies(scores.near), templates(scores.openings)
    form_of = dict(zip(scores.ids.tolist(), forms.tolist()))
    arms: dict[str, Callable[[Ranking], Ranking]] = {
        "random": lambda ranking: replace(_apart(ranking), take=uniform, given={}),
        "copies apart": _apart,
        "templates apart": lambda ranking: ranking,
    }
    found = {}
    for arm, change in arms.items():
        left, measured = scores, list[list[float]]()
        for number in range(batches):
            ranking = rank_pool(left, replace(strategy, round=number), scorer, pool, None)
            picks = pick(change(ranking), n)
            chosen = numpy.array([int(identity, 16) for identity in picks.ids], dtype="u8")
            items = fetch(pool, scorer.nlp, picks.ids)
            vectors = unit_rows(numpy.asarray(embed([item.doc for item in items.values()])))
            own = numpy.array([form_of[identity] for identity in chosen.tolist()])
            measured.append([share_repeated(own), *_nearest(vectors), float(picks.scores.mean())])
            left = left.keep(~numpy.isin(left.ids, chosen))
        means = numpy.mean(measured, axis=0)
        found[arm] = dict(zip(MEASURES, means.tolist()))
    found["of the pool"] = {
        "texts": float(len(forms)),
        "copies": share_repeated(alike),
        "in a template": float((numpy.bincount(forms)[forms] > 1).mean()),
    }
    return found


def _apart(ranking: Ranking) -> Ranking:
    return replace(ranking, groups=copies(ranking.scores.near))


def _nearest(vectors: Floats) -> tuple[float, float]:
    """The mean cosine of each row and the one most like it, and the share of rows where it is above .8."""
    cosines = vectors @ vectors.T
    numpy.fill_diagonal(cosines, -1.0)
    nearest = cosines.max(axis=1)
    return float(nearest.mean()), float((nearest > 0.8).mean())


def redundancy_cli(
    pool: Annotated[Path, typer.Argument(help="Texts to choose from")],
    model: Annotated[str, Option("--model", "-m", help="Trained pipeline")],
    config: Annotated[Path | None, Option(help="Config whose strategy chooses")] = None,
    sampler: Annotated[str | None, Option(help="As for select")] = None,
    labeled: Annotated[list[Path] | None, Option(help="As for select")] = None,
    n: Annotated[int, Option("-n", help="Texts in a batch")] = 20,
    batches: Annotated[int, Option(help="Batches, one after the other")] = 10,
) -> None:
    """Measure how much of a batch repeats itself."""
    settings = read_settings(config) if config else None
    found = redundancy(
        pool,
        model,
        settings=settings,
        labeled=labeled or (),
        n=n,
        batches=batches,
        sampler=sampler,
    )
    of_pool = found.pop("of the pool")
    rows = [
        (arm, f"{own[MEASURES[0]]:.1%}", *(f"{own[name]:.3f}" for name in MEASURES[1:]))
        for arm, own in found.items()
    ]
    typer.echo(table(rows, header=("", *MEASURES), divider=True))
    typer.echo(
        f"{of_pool['texts']:,.0f} texts, {of_pool['in a template']:.0%} of a template with others"
    )


if __name__ == "__main__":
    typer.run(redundancy_cli)
