"""A small trained pipeline, as somebody has it who wants it to learn another label: it finds people, and shares an encoder."""

import random
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import minibatch

NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald")
DRUGS = ("aspirin", "heparin", "insulin", "digoxin", "codeine", "warfarin")
FRAMES = (
    "{name} was given {drug} today .",
    "Today {name} took {drug} .",
    "{drug} helped {name} .",
    "No {drug} for {name} .",
)


def texts(seed, n=80):
    """(words, place of the name, place of the drug) of generated sentences."""
    draw = random.Random(seed)
    for _ in range(n):
        name, drug = draw.choice(NAMES), draw.choice(DRUGS)
        # a number makes texts different
        words = draw.choice(FRAMES).format(name=name, drug=drug).split()
        words = [*words[:-1], "on", "day", str(draw.randrange(10_000)), "."]
        yield words, words.index(name), words.index(drug)


def docs(vocab, seed, labels, n=80):
    """The same as docs, labelled with some of PERSON and DRUG."""
    made = []
    for words, name, drug in texts(seed, n):
        doc = Doc(vocab, words=words)
        spans = [(name, "PERSON"), (drug, "DRUG")]
        doc.ents = [Span(doc, k, k + 1, label=label) for k, label in spans if label in labels]
        made.append(doc)
    return made


def write_docs(path, seed, labels, n=80):
    DocBin(docs=docs(spacy.blank("en").vocab, seed, labels, n)).to_disk(path)
    return path


def old_pipeline(folder, vectors=False):
    """Train it, with a tokeniser rule of its own, and write it. A tagger listens to the encoder of the recogniser."""
    nlp: Any = spacy.blank("en")
    nlp.tokenizer.add_special_case("b.i.d", [{"ORTH": "b."}, {"ORTH": "i.d"}])
    tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 32, "depth": 1}
    tok2vec |= {"embed_size": 500, "window_size": 1, "maxout_pieces": 2, "subword_features": True}
    listen = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "*"}
    nlp.add_pipe("tok2vec", config={"model": {**tok2vec, "pretrained_vectors": None}})
    nlp.add_pipe("ner", config={"model": {"tok2vec": listen}})
    tagger = nlp.add_pipe("tagger", config={"model": {"tok2vec": listen}})
    tagger.add_label("X")
    examples = []
    for doc in docs(nlp.vocab, 0, ("PERSON",)):
        for token in doc:
            token.tag_ = "X" if token.is_alpha else "Y"
        examples.append(Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc))
    if vectors:
        nlp.vocab.reset_vectors(width=4)
        nlp.vocab.set_vector("aspirin", [1.0, 0.0, 0.0, 1.0])
    random.seed(0)
    spacy.util.fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(8):
        for batch in minibatch(examples, 16):
            nlp.update(batch, sgd=optimizer, drop=0.1)
    nlp.to_disk(folder)
    return folder
