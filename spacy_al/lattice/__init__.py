"""Distributions over segmentations of a document: a chain over closed states whose steps are entities.

Arrays in, arrays out; nothing here knows spaCy. A batch of documents lies flat, token after token. From the closed state
before token `t` there are three kinds of steps: leave `t` outside, make it an entity of one token, or make an
entity of the chunk that starts at `t`. Their probabilities sum to 1 but for what was cut, whatever the model they
come from: a globally normalised model and one conditioned on answers are brought to this form by a backward pass.
"""

from spacy_al.lattice.chain import Chain, normalize
from spacy_al.lattice.decode import Analysis, nbest, sample
from spacy_al.lattice.expand import Chunks, expand

__all__ = ["Analysis", "Chain", "Chunks", "expand", "nbest", "normalize", "sample"]
