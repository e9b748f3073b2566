"""Tables of parts of words, as spaCy reads them."""

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spacy.vectors import Mode

from spacy_al.embeddings.subwords import fit_rows, part_shares, subword_vectors

WORDS = ["carbamazepine", "oxcarbazepine", "rent", "rented", "renting", "a", "", "é"]


def made(words, vectors, n_rows=4096, **more):
    return subword_vectors(words, vectors, n_rows, attr="ORTH", name="test", **more)


@pytest.mark.parametrize("n_rows", [7, 4096])
def test_words_are_put_together_as_spacy_does_it(n_rows):
    rng = numpy.random.default_rng(0)
    table = made(WORDS, rng.normal(size=(len(WORDS), 40)).astype("f4"), n_rows)
    assert table.mode == Mode.floret and table.shape == (n_rows, 40)
    shares = part_shares(table, WORDS)
    for word in WORDS:
        table.strings.add(word)
    given = table.get_batch(WORDS)
    # spaCy gives nothing for no letters
    some = [i for i, word in enumerate(WORDS) if word]
    assert_allclose((shares @ table.data)[some], given[some], atol=1e-5)
    assert_allclose(numpy.asarray(shares.sum(axis=1)).ravel(), 1, atol=1e-6)


@pytest.mark.parametrize("n_rows", [50, 2000])
@pytest.mark.parametrize("penalty", [1e-3, 0.1])
def test_the_fit_is_ridge_regression(n_rows, penalty):
    rng = numpy.random.default_rng(1)
    words = ["".join(rng.choice(list("abcdefgh"), size=n)) for n in rng.integers(1, 9, size=150)]
    vectors = rng.normal(size=(150, 35)).astype("f4")
    shares = part_shares(made(words, vectors, n_rows), words)
    dense = shares.toarray().astype("f8")
    right = numpy.linalg.solve(dense.T @ dense + penalty * numpy.eye(n_rows), dense.T @ vectors)
    assert_allclose(fit_rows(shares, vectors, penalty), right, atol=0.01 * numpy.abs(right).max())


def test_parts_tell_of_unknown_words():
    """Vectors that are told by endings are found for other words with them."""
    rng = numpy.random.default_rng(2)
    endings = {"azole": [1.0, 0.0], "mycin": [0.0, 1.0]}
    stems = ["".join(rng.choice(list("bdfglkrstu"), size=4)) for _ in range(200)]
    words = [(stem, end) for i, stem in enumerate(stems) for end in [list(endings)[i % 2]]]
    vectors = numpy.array([endings[end] for _, end in words], "f4")
    table = made([stem + end for stem, end in words[:150]], vectors[:150])
    others = [stem + end for stem, end in words[150:]]
    for word in others:
        table.strings.add(word)
    assert_array_equal(table.get_batch(others).argmax(axis=1), vectors[150:].argmax(axis=1))


def test_vectors_of_zeros_are_zeros():
    assert_array_equal(made(WORDS, numpy.zeros((len(WORDS), 3), "f4")).data, numpy.zeros((4096, 3)))
