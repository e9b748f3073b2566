"""The scores that cleanlab gives the labels of a corpus, from the probabilities of the same models."""

from collections.abc import Sequence
from typing import Any

import numpy

from spacy_al.auditing.judged import JudgedText
from spacy_al.bench.ranked import Place, join_tokens
from spacy_al.errors import AlError, Errors
from spacy_al.evaluation.gold import SpanAnswer
from spacy_al.types import Floats, Ints


def cleanlab_tokens(seen: Sequence[tuple[JudgedText, Any]]) -> tuple[Any, Any, list[Place]]:
    """What cleanlab says of the labels of tokens. It gets the exact marginals, calibrated, which spaCy itself does not give."""
    from cleanlab.token_classification.filter import find_label_issues
    from cleanlab.token_classification.rank import get_label_quality_scores

    names = sorted({label for _, posterior in seen for label in posterior.labels})
    labels = [_token_labels(text.answer, len(text.doc), names).tolist() for text, _ in seen]
    probs = [_token_probs(posterior, names) for _, posterior in seen]
    rows = [text.row for text, _ in seen]
    places: dict[str, list[Place]] = {}
    texts: dict[str, dict[int, float]] = {}
    for method in ("self_confidence", "normalized_margin"):
        sentence, tokens = get_label_quality_scores(labels, probs, token_score_method=method)
        name = f"cleanlab, {method.replace('_', ' ')}"
        own = join_tokens([1 - numpy.asarray(one, dtype="f8") for one in tokens])
        places[name] = [Place(rows[p.row], p.start, p.end, p.score) for p in own]
        texts[name] = dict(zip(rows, (1 - numpy.asarray(sentence, dtype="f8")).tolist()))
    issues = [numpy.full(len(own), -1.0) for own in labels]
    for row, token in find_label_issues(labels, probs):
        issues[row][token] = 1.0
    named = join_tokens(_only_named(issues))
    return places, texts, [Place(rows[p.row], p.start, p.end, 1.0) for p in named if p.score > 0]


def _only_named(issues: Sequence[Floats]) -> list[Floats]:
    """Tokens that are not named are kept from joining places: each run of named ones stands by itself."""
    return [numpy.where(own > 0, own, -numpy.inf) for own in issues]


def _token_labels(answer: SpanAnswer, n_tokens: int, names: Sequence[str]) -> Ints:
    labels: Ints = numpy.full(n_tokens, len(names))
    for start, end, label in answer.spans:
        if label in names:
            labels[start:end] = names.index(label)
    return labels


def _token_probs(posterior: Any, names: Sequence[str]) -> Floats:
    own = posterior.token_probs
    probs: Floats = numpy.zeros((len(own), len(names) + 1))
    for column, label in enumerate(posterior.labels):
        probs[:, names.index(label)] = own[:, column]
    probs[:, -1] = own[:, -1]
    return probs


def cleanlab_categories(seen: Sequence[tuple[JudgedText, Any]]) -> tuple[Any, list[Place]]:
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    names = sorted({label for _, posterior in seen for label in posterior.labels})
    labels, probs, rows = [], [], []
    for text, posterior in seen:
        given = [label for label, applies in text.answer.items() if applies]
        if len(given) == 1 and given[0] in names:
            labels.append(names.index(given[0]))
            row = dict(zip(posterior.labels, posterior.probs.tolist()))
            probs.append([row.get(name, 0.0) for name in names])
            rows.append(text.row)
    table_, given_ = numpy.array(probs), numpy.array(labels)
    texts = {
        f"cleanlab, {method.replace('_', ' ')}": dict(
            zip(rows, (1 - get_label_quality_scores(given_, table_, method=method)).tolist())
        )
        for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
    }
    issues = find_label_issues(given_, table_)
    return texts, [Place(row, 0, 1, 1.0) for row, wrong in zip(rows, issues.tolist()) if wrong]


def check_cleanlab() -> None:
    try:
        import cleanlab  # noqa: F401
    except ImportError:
        raise AlError(Errors.AL426) from None
