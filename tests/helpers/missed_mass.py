"""Does the bound on what the entity posterior does not follow hold? Compared with a reading that follows everything.

    python -m tests.helpers.missed_mass --model training/bc5cdr/model-best --texts CORPORA/bc5cdr/test.spacy

Each model reads one document of each length as it is read by default. The other reading goes token by token with all open entities at once,
so that its memory grows with the length and not with its square, and leaves out none.
"""

import sys
import warnings
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import typer
from spacy.tokens import Doc

from spacy_al.errors import AlWarning
from spacy_al.evaluation.gold import stored_docs
from spacy_al.posteriors.ner import EPSILON, read_entities
from spacy_al.posteriors.read import components_before, run_pipes
from tests.helpers.ner_oracle import make_ner, random_doc

LENGTHS = (1, 2, 5, 20, 100, 500, 1200, 5000)
# Bias of going on inside an entity, and how many tokens the entities of a flat model have with it, on average
SLOW = {0.0: 2, 2.2: 10, 2.9: 19, 3.5: 34, 5.0: 150, 30.0: None}
# Between float32 products of different shapes, summed up over a document
SLACK = 1e-6


def promised(length):
    """What is cut of a document at most, by default."""
    return EPSILON * length


def flat(bias, **more):
    """A model that hardly prefers anything, whose entities go on for long."""
    nlp = make_ner(scale=0.1, **more)
    ner = nlp.get_pipe("ner")
    upper = ner.model.get_ref("upper")
    names = [ner.moves.get_class_name(i) for i in range(ner.moves.n_moves)]
    inside = numpy.array([bias * name.startswith("I-") for name in names], dtype="f")
    upper.set_param("b", upper.get_param("b") + inside)
    return nlp


def off_by(posterior):
    """The largest difference of any probability of an entity and of a token from those of a reading without cuts.

    posterior (EntityPosterior): As it is read by default.
    """
    source, chain = posterior.source.document(posterior.index), posterior._one
    begin, unit, out = source.steps
    fixed, n = source.constraints.odds, len(posterior)
    reach = numpy.zeros(n + 1)
    reach[0] = 1
    n_labels = begin.shape[1]
    # (n_open, n_labels) probability of being inside an entity that began at each token, and where
    weight, starts = numpy.zeros((0, n_labels)), numpy.zeros(0, dtype=int)
    tokens, spans = numpy.zeros((n, n_labels + 1)), 0.0
    rows_by_last = numpy.argsort(chain.last, kind="stable")
    bounds = numpy.searchsorted(chain.last[rows_by_last], numpy.arange(n + 1))
    for t in range(n):
        inside = weight.sum(axis=0)
        if len(starts):
            odds = source.features.odds(numpy.full(len(starts), t), starts).astype(float)
            odds = (
                numpy.where(numpy.isnan(fixed[t]), odds, fixed[t])
                / source.settings.temperatures.open
            )
            closing = weight / (1 + numpy.exp(numpy.clip(odds, -700, 700)))
            found = numpy.zeros((n, n_labels))
            found[starts] = closing
            rows = rows_by_last[bounds[t] : bounds[t + 1]]
            found[chain.first[rows]] -= chain.chunk_marginals[rows]
            spans = max(spans, float(numpy.abs(found).max()))
            weight = weight - closing
            reach[t + 1] += closing.sum()
        single = reach[t] * unit[t]
        spans = max(spans, float(numpy.abs(single - chain.unit_marginals[t]).max()))
        tokens[t, :-1] = inside + single + reach[t] * begin[t]
        tokens[t, -1] = reach[t] * out[t]
        reach[t + 1] += single.sum() + reach[t] * out[t]
        weight = numpy.concatenate([weight, reach[t] * begin[None, t]])
        starts = numpy.append(starts, t)
        # what no number of tokens could make count
        alive = weight.sum(axis=1) > 1e-18
        weight, starts = weight[alive], starts[alive]
    return spans, float(numpy.abs(tokens - posterior.token_probs).max())


def read(nlp, doc, temperature=1.0):
    """The posterior of a document, as it is read by default."""
    name = "ner"
    (ready,) = run_pipes(components_before(nlp, name), [doc])
    return read_entities(nlp.get_pipe(name), [ready], temperature)[0]


def models(trained, texts):
    """Names of models, each with its documents by length and its temperature."""
    for path in trained:
        nlp = spacy.load(path)
        words = [token.text for doc in stored_docs(texts) for token in doc]
        for temperature in (1.0, 2.5):
            make: Any = partial(_of_words, nlp, words)
            yield f"trained, T = {temperature:g}", nlp, make, temperature
    for scale in (0.6, 3.0):
        yield f"random, scale {scale:g}", *_made(make_ner(scale=scale)), 1.0
    for bias, tokens in SLOW.items():
        name = "never closes" if tokens is None else f"entities of {tokens} tokens"
        yield f"flat, {name}", *_made(flat(bias)), 1.0


def _made(nlp):
    return nlp, lambda length: random_doc(nlp, numpy.random.default_rng(length), length)


def _of_words(nlp, words, length):
    return Doc(nlp.vocab, words=list(islice(cycle(words), length)))


def main(
    model: Annotated[list[Path] | None, typer.Option(help="A trained pipeline with 'ner'")] = None,
    texts: Annotated[Path | None, typer.Option(help="Whose words it reads")] = None,
    length: Annotated[list[int] | None, typer.Option(help="In tokens; several times")] = None,
) -> None:
    """Print a table; 1 if a bound does not hold, or is more than what is promised and no warning says so."""
    print(
        f"{'':34}{'tokens':>7}{'missed_mass':>13}{'promised':>10}{'off: spans':>12}{'tokens':>10}"
    )
    wrong = 0
    for name, nlp, make, temperature in models(model or [], texts):
        for n in length or LENGTHS:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", AlWarning)
                posterior = read(nlp, make(n), temperature)
                bound, found = posterior.missed_mass, off_by(posterior)
            over = bound > promised(n) + SLACK
            wrong += max(found) > bound + SLACK or over != bool(said)
            numbers = f"{bound:>13.2g}{promised(n):>10.2g}{found[0]:>12.2g}{found[1]:>10.2g}"
            print(f"{name:34}{n:>7,}{numbers}{' ALW003' if said else ''}", flush=True)
    print(
        f"{wrong} are off by more than missed_mass, or miss more than promised and do not say so."
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    typer.run(main)
