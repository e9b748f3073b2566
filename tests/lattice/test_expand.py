"""Entities grown for all starts at once are those that a plain loop finds, cuts and allowances included."""

import numpy
import pytest

from spacy_al.lattice import expand


def plain(begin, odds, fixed, lengths, *, epsilon, rows_per_token, temperature, followed):
    """One open entity after the other, by length, since an allowance is used up in that order."""
    n_tokens, n_labels = begin.shape
    doc_of = numpy.repeat(numpy.arange(len(lengths)), lengths)
    cut, weights = numpy.zeros(n_tokens), {}
    used = numpy.zeros(len(lengths), dtype=int)
    alive = {start: begin[start] for start in range(n_tokens)}
    length = 1
    while alive:
        kept = {}
        for start, weight in alive.items():
            token = start + length - 1
            stays = weight.sum() >= epsilon if epsilon else weight.sum() > 0
            if stays or (weight.sum() > 0 and followed[start] > token):
                kept[start] = weight
            else:
                cut[start] += weight.sum()
        for start in kept:
            used[doc_of[start]] += 1
        spent = used > lengths * rows_per_token
        for start in [s for s in kept if spent[doc_of[s]]]:
            if followed[start] <= start + length - 1:
                cut[start] += kept.pop(start).sum()
        alive = {}
        for start, weight in kept.items():
            token = start + length
            inside, last = numpy.zeros(n_labels), numpy.zeros(n_labels)
            for k in range(n_labels):
                score, rule = float(odds(token, start)[k]), fixed[token, k]
                if numpy.isinf(rule):
                    p = float(rule > 0)
                else:
                    p = 1 / (1 + numpy.exp(-(score if numpy.isnan(rule) else rule) / temperature))
                inside[k], last[k] = weight[k] * p, weight[k] * (1 - p)
            weights[start, token] = last
            alive[start] = inside
        length += 1
    return cut, weights


@pytest.mark.parametrize("rows_per_token", [0, 1, 2, 3, 100])
@pytest.mark.parametrize("epsilon", [0.0, 0.02])
@pytest.mark.parametrize("n_labels", [1, 3])
def test_it_is_what_a_plain_loop_finds(rows_per_token, epsilon, n_labels):
    rng = numpy.random.default_rng([rows_per_token, n_labels])
    lengths = numpy.array([7, 1, 4, 9])
    n_tokens = int(lengths.sum())
    doc_of, ends = numpy.repeat(numpy.arange(4), lengths), numpy.cumsum(lengths)
    begin = rng.random((n_tokens, n_labels)) / n_labels / 2
    begin[ends - 1] = 0
    scores = rng.normal(0, 2, (n_tokens, n_tokens, n_labels)).astype("f4")
    fixed = numpy.full((n_tokens, n_labels), numpy.nan)
    fixed[3], fixed[5] = 0.0, numpy.inf
    fixed[ends - 1] = -numpy.inf
    followed = numpy.full(n_tokens, -1)
    followed[12] = 15
    how = {"epsilon": epsilon, "rows_per_token": rows_per_token, "temperature": 1.7}
    found = expand(
        begin,
        lambda token, start: scores[token, start],
        fixed,
        doc_of,
        lengths,
        followed=followed,
        **how,
    )
    cut, weights = plain(begin, lambda t, s: scores[t, s], fixed, lengths, followed=followed, **how)
    numpy.testing.assert_allclose(found.cut, cut, atol=1e-14)
    first, last, chunk = found.flat
    assert {*zip(first.tolist(), last.tolist())} == {*weights}
    for start, token, row in zip(first, last, chunk):
        numpy.testing.assert_allclose(row, weights[start, token], atol=1e-14)
    if rows_per_token == 100 and not epsilon:
        # nothing is cut, and all that begins also ends
        numpy.testing.assert_allclose(
            numpy.bincount(first, chunk.sum(axis=1), n_tokens), begin.sum(axis=1)
        )
