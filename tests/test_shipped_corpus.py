"""The corpus that ships with the project: made as its README says, and fit to select from."""

import importlib.util
import re
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

CORPUS = Path(__file__).parent.parent / "corpus"
SIZES = {"seed": 150, "dev": 300, "test": 500, "pool": 3000, "pool_gold": 3000}
RARE = {"ALLERGY", "GOVERNING_LAW"}


def signature(doc):
    spans = [(span.start, span.end, span.label_) for span in doc.spans.get("sc", ())]
    return doc.text, [(ent.start, ent.end, ent.label_) for ent in doc.ents], spans, doc.cats


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("corpus_generate", CORPUS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def corpus():
    vocab = spacy.blank("en").vocab
    return {
        name: list(DocBin().from_disk(CORPUS / f"{name}.spacy").get_docs(vocab)) for name in SIZES
    }


@pytest.fixture(scope="module")
def topics():
    vocab = spacy.blank("en").vocab
    return {
        name: list(DocBin().from_disk(CORPUS / "topics" / f"{name}.spacy").get_docs(vocab))
        for name in SIZES
        if name != "pool"
    }


@pytest.fixture(scope="module")
def drawn(generator):
    return generator.generate()


@pytest.mark.slow
def test_files_equal_a_regeneration(corpus, drawn):
    assert drawn.keys() == SIZES.keys() - {"pool"}
    for name, docs in drawn.items():
        assert [signature(doc) for doc in corpus[name]] == [signature(doc) for doc in docs], name


@pytest.mark.slow
def test_topics_are_the_labels_that_occur(corpus, topics):
    labels = {ent.label_ for doc in corpus["pool_gold"] for ent in doc.ents}
    for name, docs in topics.items():
        assert [doc.text for doc in docs] == [doc.text for doc in corpus[name]], name
        for doc, gold in zip(docs, corpus[name]):
            assert set(doc.cats) == labels
            occur = {label for label, value in doc.cats.items() if value}
            assert occur == {ent.label_ for ent in gold.ents}, doc.text
            assert not doc.ents and not doc.spans


@pytest.mark.slow
def test_exactly_one_kind_applies(corpus, generator):
    kinds = [{*generator.KINDS[side], generator.REST[side]} for side in ("clinical", "contract")]
    for name in SIZES.keys() - {"pool"}:
        found = [[kind for kind, value in doc.cats.items() if value] for doc in corpus[name]]
        assert {kind for (kind,) in found} == kinds[0] | kinds[1], name
    # what only one side has tells which side it was
    for doc, (kind,) in zip(corpus[name], found):
        labels = {ent.label_ for ent in doc.ents}
        assert kind in kinds[0] or not labels & {"CONDITION", "DRUG", "ALLERGY"}, doc.text
        assert kind in kinds[1] or not labels & {"MONEY", "PROVISION"}, doc.text


@pytest.mark.slow
def test_spans_are_the_entities_and_what_lies_over_two(corpus):
    over = 0
    for name in SIZES.keys() - {"pool"}:
        for doc in corpus[name]:
            spans = {(span.start, span.end, span.label_) for span in doc.spans["sc"]}
            ents = {(ent.start, ent.end, ent.label_) for ent in doc.ents}
            for start, end, label in spans - ents:
                inner = [ent for ent in doc.ents if start <= ent.start and ent.end <= end]
                assert label == "PRESCRIPTION" and (inner[0].start, inner[-1].end) == (start, end)
                assert [ent.label_ for ent in inner] == ["DRUG", "DOSAGE"], doc.text
                over += 1
            assert ents <= spans
    assert over > 200


@pytest.mark.slow
def test_rerun_writes_the_same_bytes(generator, drawn, tmp_path):
    for folder, splits in (("a", drawn), ("b", generator.generate())):
        (tmp_path / folder).mkdir()
        generator.write(tmp_path / folder, splits)
    written = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.spacy")]
    assert len(written) == 2 * len(SIZES) - 1
    for name in written:
        first, second = (tmp_path / folder / name for folder in "ab")
        assert first.read_bytes() == second.read_bytes(), name


def test_sizes(corpus):
    assert {name: len(docs) for name, docs in corpus.items()} == SIZES
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 2_000_000


def test_pool_is_bare(corpus):
    annotations = ("ENT_IOB", "TAG", "POS", "DEP", "LEMMA", "MORPH")
    for doc in corpus["pool"]:
        assert not any(doc.has_annotation(name) for name in annotations)
        # The first token starts a sentence in any case
        assert not any(token.is_sent_start for token in doc[1:])
        assert not doc.ents and not doc.spans and not doc.cats and not doc.user_data


def test_pool_gold_is_the_pool(corpus):
    assert [(doc.text, [token.text for token in doc]) for doc in corpus["pool"]] == [
        (doc.text, [token.text for token in doc]) for doc in corpus["pool_gold"]
    ]


def test_gold_is_complete(corpus):
    # A token without an entity is known to have none; only the pool's are unknown
    for name in SIZES.keys() - {"pool"}:
        assert all(token.ent_iob != 0 for doc in corpus[name] for token in doc), name


@pytest.mark.slow
def test_tokens_are_those_of_a_blank_pipeline(corpus):
    # `spacy train` tokenises anew: a token that differed would lose its span
    nlp = spacy.blank("en")
    for docs in corpus.values():
        for doc in docs:
            assert [token.text for token in nlp.make_doc(doc.text)] == [token.text for token in doc]


def test_spans_have_clean_edges(corpus):
    for name in SIZES.keys() - {"pool"}:
        for doc in corpus[name]:
            for ent in doc.ents:
                assert ent.text == ent.text.strip() and "\n" not in ent.text, doc.text


def test_no_sentence_occurs_twice(corpus, generator):
    texts = [generator.mask(doc.text) for name in SIZES if name != "pool" for doc in corpus[name]]
    assert len(set(texts)) == len(texts)


def test_labels_are_those_of_the_readme(corpus):
    readme = (CORPUS / "README.md").read_text(encoding="utf8")
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", readme, flags=re.M))
    assert table >= RARE
    for name in ("seed", "dev", "test", "pool_gold"):
        assert {ent.label_ for doc in corpus[name] for ent in doc.ents} == table, name


def test_shares(corpus):
    docs = corpus["pool_gold"]
    labels = [ent.label_ for doc in docs for ent in doc.ents]
    assert 0.3 < sum(not doc.ents for doc in docs) / len(docs) < 0.4
    assert all(0 < labels.count(label) / len(labels) < 0.015 for label in RARE)
    seen = {ent.text.lower() for doc in corpus["seed"] for ent in doc.ents}
    unseen = [ent.text.lower() not in seen for doc in docs for ent in doc.ents]
    assert sum(unseen) / len(unseen) > 0.75


@pytest.mark.parametrize(
    "template, expected",
    [
        ("plain", {"plain"}),
        ("a<b|c>d", {"abd", "acd"}),
        ("a<b>", {"a", "ab"}),
        ("<a<b|c>|d>", {"ab", "ac", "d"}),
        ("{1-3}", {"1", "2", "3"}),
        ("{01-02}", {"01", "02"}),
        ("{a-b}", {"a", "b"}),
    ],
)
def test_template_expands_to(generator, template, expected):
    rng = generator.random.Random(0)
    drawn = {"".join(text for text, _ in generator.expand(template, {}, rng)) for _ in range(200)}
    assert drawn == expected


def test_unclosed_choice_is_an_error(generator):
    with pytest.raises(ValueError, match="not closed"):
        generator.parse("a <b|c")


def test_every_rule_exists(generator):
    grammar = generator.read_grammar()
    for texts, weights in grammar.values():
        assert len(texts) == len(weights) and min(weights) > 0
        for text in texts:
            generator.parse(text)
            for rule in re.findall(r"\{([^}]+)\}", text):
                if not re.fullmatch(r"\w+-\w+", rule):
                    rule = rule.rpartition(":")[2]
                    assert (rule.lower() if rule.isupper() else rule) in grammar, text
