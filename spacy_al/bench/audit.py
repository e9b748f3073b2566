"""How many planted mistakes `audit` finds, beside cleanlab over the same models.

`python -m spacy_al.bench.audit CORPORA/bc5cdr/train.spacy CORPORA/banking77/train.spacy -o audit-bench.jsonl`: a line for each corpus and seed as soon
as it is measured; what is there is not measured again. It needs cleanlab.
"""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer import Option
from wasabi import table

from spacy_al.auditing.judged import JudgedCorpus, JudgedText, judge_by_folds, judge_by_model
from spacy_al.bench.cells import measure_cells
from spacy_al.bench.cleanlab_scores import check_cleanlab, cleanlab_categories, cleanlab_tokens
from spacy_al.bench.machine import describe
from spacy_al.bench.planted_errors import Planted, plant
from spacy_al.bench.ranked import Place, hits, ranking_figures
from spacy_al.config.components import component_blocks, readable_factories
from spacy_al.config.overrides import load_overridden
from spacy_al.corpus.shard import read_shard
from spacy_al.evaluation.calibrate import calibrate_on_dev
from spacy_al.posteriors.component import open_component

# Takes each text with its posterior
Look: TypeAlias = Callable[[JudgedText, Any], None]
AT = (25, 50, 100)
RATE, TEXTS = 0.05, 1000
MODELS = "Folder with NAME/model-best, trained without the corpora, in place of folds"
SEED = "documents that are audited, and mistakes in them"


def measure_audit(
    path: Path,
    judge: Callable[[Sequence[Doc], Look], JudgedCorpus],
    *,
    texts: int = TEXTS,
    rate: float = RATE,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of one corpus and one seed.

    path (Path): A labelled `.spacy` file, of entities or of one category a text.
    judge (Callable): Has docs judged by models, and hands each text on with its posterior.
    texts (int): Drawn from the corpus.
    rate (float): Mistakes per mark.
    seed (int): Of texts and mistakes.
    RAISES (AlError): AL426 without cleanlab, and what `judge` raises.
    """
    check_cleanlab()
    docs = [doc for doc in read_shard(path, Vocab()) if len(doc)]
    order = numpy.random.default_rng(seed).permutation(len(docs))[:texts]
    docs, planted = plant([docs[row] for row in sorted(order.tolist())], rate, seed)
    seen: list[tuple[JudgedText, Any]] = []
    found = judge(docs, lambda text, posterior: seen.append((text, posterior)))
    seen.sort(key=lambda pair: pair[0].row)
    # as the whole corpus is known only now
    seen = [(text, posterior) for text, (_, posterior) in zip(found.texts, seen)]
    places, chosen = _ours(found)
    theirs: dict[str, list[Place]] = {}
    marks = [(one.row, one.start, one.end) for one in planted]
    rows = {one.row for one in planted}
    whole = [(row, 0, 1) for row in rows]
    text_scores = _text_scores(seen)
    if found.task == "categories":
        # each text is one place
        their_texts, issues = cleanlab_categories(seen)
        places = {}
    else:
        theirs, their_texts, issues = cleanlab_tokens(seen)
    return {
        "corpus": path.parent.name,
        "seed": seed,
        "texts": len(docs),
        "rate": rate,
        "planted": dict(Counter(one.kind for one in planted)),
        "wrong texts": len(rows),
        "places": {
            name: ranking_figures(hits(own, marks), len(marks), (*AT, len(marks)))
            for name, own in (places | theirs).items()
        },
        "by kind": _by_kind(places | theirs, planted),
        "text": {
            name: ranking_figures(
                hits([Place(row, 0, 1, score) for row, score in own.items()], whole),
                len(whole),
                (*AT, len(whole)),
            )
            for name, own in (text_scores | their_texts).items()
        },
        "named": {
            name: _named(own, marks if found.task != "categories" else whole)
            for name, own in {"audit": chosen, "cleanlab": issues}.items()
        },
        "machine": describe(),
        "cleanlab": version("cleanlab"),
    }


def _ours(found: JudgedCorpus) -> tuple[dict[str, list[Place]], list[Place]]:
    """Places by several scores, and those that are named: where something else is more probable than what is given."""
    pairs = [(text.row, one) for text in found.texts for one in text.findings]
    by: dict[str, Callable[[Any], float]] = {
        "audit": lambda one: one.score,
        "audit, 1 - probability": lambda one: 1 - one.prob_given,
        "audit, reasons alike": lambda one: one.evidence,
    }
    places = {
        name: [Place(row, *_width(one.tokens), score(one)) for row, one in pairs]
        for name, score in by.items()
    }
    chosen = [Place(row, *_width(one.tokens), one.score) for row, one in pairs if one.is_likely]
    return places, chosen


def _width(tokens: tuple[int, int]) -> tuple[int, int]:
    """A category is about its text, which counts as one token."""
    return tokens if tokens[1] > tokens[0] else (0, 1)


def _text_scores(seen: Sequence[tuple[JudgedText, Any]]) -> dict[str, dict[int, float]]:
    scores = {
        "audit": {text.row: text.score for text, _ in seen},
        "audit, 1 - probability": {
            text.row: max((1 - one.prob_given for one in text.findings), default=0.0)
            for text, _ in seen
        },
        "audit, expected mistakes": {
            text.row: sum(1 - one.prob_given for one in text.findings) for text, _ in seen
        },
    }
    if seen and hasattr(seen[0][1], "logprob"):
        scores["audit, whole analysis"] = {
            text.row: -posterior.logprob(text.answer.spans) for text, posterior in seen
        }
        scores["audit, whole analysis a token"] = {
            text.row: -posterior.logprob(text.answer.spans) / len(text.doc)
            for text, posterior in seen
        }
    return scores


def _by_kind(ranked: Mapping[str, list[Place]], planted: Sequence[Planted]) -> dict[str, Any]:
    """Of each kind of mistake, the share that is among as many places as there are mistakes."""
    shares: dict[str, Any] = {}
    for name, places in ranked.items():
        first = sorted(places, key=lambda one: -one.score)[: len(planted)]
        shares[name] = {
            kind: int(
                hits(first, [(o.row, o.start, o.end) for o in planted if o.kind == kind]).sum()
            )
            for kind in sorted({one.kind for one in planted})
        }
    return shares


def _named(places: Sequence[Place], marks: Sequence[tuple[int, int, int]]) -> dict[str, float]:
    right = int(hits(places, marks).sum())
    return {
        "count": len(places),
        "precision": right / max(len(places), 1),
        "recall": right / max(len(marks), 1),
    }


# cleanlab


def judge_of(
    path: Path,
    config: Path,
    folder: Path,
    models: Path | None,
    *,
    n_folds: int,
    seed: int,
    max_steps: int,
    show: Callable[[str], None] | None = None,
) -> Callable[[Sequence[Doc], Look], JudgedCorpus]:
    """Who judges a corpus: the model of its name in a folder, calibrated on the dev.spacy beside the corpus, or one for each fold."""
    if models is not None:
        model = models / path.parent.name / "model-best"
        opened = open_component(str(model))
        if not opened.calibrated:
            calibrate_on_dev(opened, path.parent / "dev.spacy", 0)
        trained = opened.recalibrated()
        return lambda docs, look: judge_by_model(docs, trained, str(model), look=look)
    overrides = {"nlp.lang": _lang(path), "training.max_steps": max_steps}
    blocks = component_blocks(load_overridden(config, overrides, interpolate=True))
    ((component, factory),) = readable_factories(blocks).items()
    return lambda docs, look: judge_by_folds(
        docs,
        config,
        folder,
        component=component,
        factory=factory,
        n_folds=n_folds,
        seed=seed,
        overrides=overrides,
        show=show,
        look=look,
    )


def audit_bench_cli(
    corpora: Annotated[list[Path], typer.Argument(help="Labelled .spacy files")],
    config: Annotated[Path, Option(help="Of entities")] = Path("configs/ner.cfg"),
    category_config: Annotated[Path, Option(help="Of categories")] = Path("configs/textcat.cfg"),
    folder: Annotated[Path, Option(help="For the models")] = Path("training/audit-bench"),
    models: Annotated[Path | None, Option(help=MODELS)] = None,
    output: Annotated[Path, Option("--output", "-o")] = Path("audit-bench.jsonl"),
    texts: Annotated[int, Option(help="Of each corpus")] = TEXTS,
    rate: Annotated[float, Option(help="Mistakes per mark")] = RATE,
    folds: Annotated[int, Option(help="Folds")] = 5,
    seeds: Annotated[int, Option(help=SEED)] = 2,
    max_steps: Annotated[int, Option(help="Of each training, at most")] = 700,
) -> None:
    """Plant mistakes into corpora, and see which are found."""
    by_name = {path.parent.name: path for path in corpora}

    def measure(asked: tuple[Any, ...]) -> dict[str, Any]:
        name, seed = asked[:2]
        path = by_name[name]
        is_text = any(doc.cats for doc in read_shard(path, Vocab()))
        judge = judge_of(
            path,
            category_config if is_text else config,
            folder / f"{name}-{seed}",
            models,
            n_folds=folds,
            seed=seed,
            max_steps=max_steps,
            show=typer.echo,
        )
        return measure_audit(path, judge, texts=texts, rate=rate, seed=seed)

    how = (texts, rate, "a model" if models else folds)
    cells = [((name, seed, *how),) for seed in range(seeds) for name in by_name]
    typer.echo(format_bench(measure_cells(output, ("asked",), cells, measure)))


def _lang(path: Path) -> str:
    """The language that is noted beside a corpus, or English."""
    meta = path.parent / "meta.json"
    return str(json.loads(meta.read_text("utf8")).get("lang", "en")) if meta.is_file() else "en"


def format_bench(rows: Sequence[Mapping[str, Any]]) -> str:
    """Means over seeds, and the least and greatest of average precision."""
    lines = []
    for unit in ("places", "text"):
        body = []
        for corpus in dict.fromkeys(row["corpus"] for row in rows):
            own = [row for row in rows if row["corpus"] == corpus]
            for name in own[0][unit]:
                figures = [row[unit][name] for row in own]
                ap = [one["average precision"] for one in figures]
                body.append(
                    (
                        corpus,
                        name,
                        f"{statistics.mean(ap):.3f}",
                        f"{min(ap):.3f} to {max(ap):.3f}",
                        *(
                            f"{statistics.mean(one[f'{what} at {k}'] for one in figures):.2f}"
                            for k in AT
                            for what in ("precision", "recall")
                        ),
                    )
                )
        head = [f"{what} at {k}" for k in AT for what in ("P", "R")]
        lines.append(
            table(body, header=(unit, "", "AP", "over seeds", *head), divider=True, max_col=60)
        )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(audit_bench_cli)
