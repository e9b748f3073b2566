"""Hashed n-grams: scikit-learn's, but for the hash; of unit length, and zeros where there are no words."""

import numpy
import spacy
from numpy.testing import assert_allclose
from sklearn.feature_extraction.text import CountVectorizer

from spacy_al.embeddings import ngrams
from spacy_al.embeddings.ngrams import hashed_ngrams

TEXTS = ["Aspirin 81 mg.", "aspirin, 81mg twice", "The LEASE ends   here", "the lease"]


def test_the_inner_products_are_about_those_of_counts():
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in TEXTS]
    words = [" ".join(token.text for token in doc) for doc in docs]
    counted = CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(words)
    exact = numpy.log1p(counted.toarray())
    exact /= numpy.linalg.norm(exact, axis=1, keepdims=True)
    found = hashed_ngrams(docs, 2**16)
    assert found.dtype == "f4"
    assert_allclose(found @ found.T, exact @ exact.T, atol=1e-3)
    few = hashed_ngrams(docs, 1024)
    assert_allclose(few @ few.T, exact @ exact.T, atol=0.2)


def test_case_and_white_space_make_no_difference():
    nlp = spacy.blank("en")
    one, other = hashed_ngrams([nlp.make_doc("A b\n\nC"), nlp.make_doc("a B  c")], 64)
    assert_allclose(one, other)
    assert_allclose(numpy.linalg.norm(one), 1, rtol=1e-6)


def test_a_text_without_words_has_none():
    nlp = spacy.blank("en")
    assert not hashed_ngrams([nlp.make_doc(""), nlp.make_doc(" \n ")], 64).any()
    assert hashed_ngrams([], 64).shape == (0, 64)


def test_what_a_long_word_has_is_not_kept():
    nlp = spacy.blank("en")
    before = ngrams._kept.cache_info().currsize
    found = hashed_ngrams([nlp.make_doc("a" * 5000)], 64)
    assert found.any() and ngrams._kept.cache_info().currsize == before
