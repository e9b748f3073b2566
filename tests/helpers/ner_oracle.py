"""Brute force: every analysis of a small document, walked through spaCy's own state machine."""

from collections import defaultdict

import numpy
import spacy
from spacy.tokens import Doc
from spacy.training import Example

WORDS = ["aspirin", "Dr", "Smith", "gave", "him", "two", "mg", "in", "Paris", "."]


def make_ner(
    labels=("DRUG", "PER"),
    *,
    factory="ner",
    seed=0,
    shared=False,
    vectors=False,
    updates=0,
    scale=0.6,
    **model,
):
    """A tiny pipeline with a random head, or a trained one."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en")
    rng = numpy.random.default_rng(seed)
    if vectors:
        nlp.vocab.reset_vectors(width=8)
        for word in WORDS:
            nlp.vocab.set_vector(word, rng.normal(size=8).astype("f"))
    tok2vec = {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": True if vectors else None,
        "width": 16,
        "depth": 1,
        "embed_size": 200,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    }
    if shared:
        nlp.add_pipe("tok2vec", config={"model": tok2vec})
        tok2vec = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16, "upstream": "*"}
    config = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 8,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": tok2vec,
        **model,
    }
    ner = nlp.add_pipe(factory, config={"model": config})
    for label in labels:
        ner.add_label(label)
    examples = [random_example(nlp, labels, rng) for _ in range(8)]
    optimizer = nlp.initialize(lambda: examples)
    if config["use_upper"]:
        upper = ner.model.get_ref("upper")
        upper.set_param("W", rng.normal(scale=scale, size=upper.get_param("W").shape).astype("f"))
        upper.set_param("b", rng.normal(scale=scale, size=upper.get_param("b").shape).astype("f"))
    for _ in range(updates):
        nlp.update(examples, sgd=optimizer, drop=0.1)
    return nlp


def random_doc(nlp, rng, n, *, starts=False, spaces=False):
    words = rng.choice(WORDS, size=n).tolist()
    if spaces and n > 1:
        words[int(rng.integers(n))] = " "
    sent_starts = (
        rng.choice([None, False, True], size=n, p=[0.6, 0.2, 0.2]).tolist() if starts else None
    )
    return Doc(nlp.vocab, words=words, sent_starts=sent_starts)


def random_example(nlp, labels, rng):
    doc = random_doc(nlp, rng, 6)
    tags = [f"U-{rng.choice(labels)}" if rng.random() < 0.3 else "O" for _ in doc]
    if rng.random() < 0.5:
        label = rng.choice(labels)
        tags[1:3] = [f"B-{label}", f"L-{label}"]
    return Example.from_dict(doc, {"entities": tags})


def action_scores(pipe, doc, *, relu=False):
    """score(state) -> scores of all actions, from the layers' own outputs and spaCy's own features."""
    step = pipe.model.predict([doc])
    lower = pipe.model.get_ref("lower")
    table = lower.predict(step.tokvecs)  # row 0 is the padding
    bias = lower.get_param("b")

    def score(state):
        ids = step.get_token_ids([state])[0]
        hidden = bias + sum(table[i + 1, feature] for feature, i in enumerate(ids))
        hidden = hidden.max(axis=-1)
        if relu and table.shape[-1] == 1:
            hidden = numpy.maximum(hidden, 0)
        if pipe.model.attrs["has_upper"]:
            upper = pipe.model.get_ref("upper")
            return upper.get_param("W") @ hidden + upper.get_param("b")
        return hidden

    return score


def begun(scores, is_entity, begin, label):
    """Log probabilities where an entity is most probable to begin, at temperatures of whether one does, and which."""
    odds = numpy.exp(scores)
    share = 1 / (1 + (odds[~is_entity].sum() / odds[is_entity].sum()) ** (1 / begin))
    which = numpy.where(is_entity, odds ** (1 / label), 0.0)
    with numpy.errstate(divide="ignore"):
        return numpy.log(numpy.where(is_entity, share * which / which.sum(), 1 - share))


def analyses(pipe, doc, *, closed=1.0, opened=1.0, begins=None, normalized="locally"):
    """Every analysis of a doc with its probability: {((start, end, label), ...): probability}, and the greedy one."""
    names = [pipe.moves.get_class_name(i) for i in range(pipe.moves.n_moves)]
    unseen = pipe.model.attrs["unseen_classes"]
    score = action_scores(pipe, doc, relu=normalized == "globally")
    found = defaultdict(float)
    greedy = None

    def valid_actions(state):
        valid = [i for i, name in enumerate(names) if pipe.moves.is_valid(state, name)]
        return [i for i in valid if i not in unseen] or valid

    def walk(state, spans, start, logp, is_greedy):
        nonlocal greedy
        if state.is_final():
            found[spans] += numpy.exp(logp)
            if is_greedy:
                greedy = spans
            return
        i = state.B(0)
        valid = valid_actions(state)
        scores = score(state).astype("float64")[valid]
        if all(v in unseen for v in valid):
            scores = numpy.zeros(len(valid))  # all are set to the same minimum
        best = int(scores.argmax())
        first = [names[v][0] for v in valid]
        if begins and not state.entity_is_open() and first[best] != "O":
            scores = begun(scores, numpy.array(first) != "O", *begins)
        else:
            scores = scores / (opened if state.entity_is_open() else closed)
        if normalized == "locally":
            scores = scores - numpy.logaddexp.reduce(scores)
        for k, action in enumerate(valid):
            name = names[action]
            after = state.copy()
            pipe.moves.apply_transition(after, name)
            more, opens = spans, start
            if name[0] == "B":
                opens = i
            elif name[0] == "L":
                more = (*spans, (start, i + 1, name[2:]))
            elif name[0] == "U" and name != "U-":
                more = (*spans, (i, i + 1, name[2:]))
            walk(after, more, opens, logp + scores[k], is_greedy and k == best)

    if not len(doc):
        return {(): 1.0}, ()
    walk(pipe.moves.init_batch([doc])[0], (), None, 0.0, True)
    total = sum(found.values())
    if normalized == "globally":
        found.update({spans: p / total for spans, p in found.items()})
    else:
        assert abs(total - 1) < 1e-6
    return dict(found), greedy


def marginals(found):
    """Probability of every entity."""
    probs = defaultdict(float)
    for spans, p in found.items():
        for span in spans:
            probs[span] += p
    return probs


def token_marginals(found, n, labels):
    """(n, n_labels + 1)"""
    probs = numpy.zeros((n, len(labels) + 1))
    for spans, p in found.items():
        outside = numpy.ones(n, dtype=bool)
        for start, end, label in spans:
            probs[start:end, labels.index(label)] += p
            outside[start:end] = False
        probs[outside, -1] += p
    return probs


def entropy(found):
    p = numpy.array([p for p in found.values() if p > 0])
    return float(-(p * numpy.log(p)).sum())
