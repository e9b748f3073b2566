"""Encode texts once with a pretrained transformer, for models whose encoder stays as it is (frozen.py).

    python encode.py MODEL corpora/bc5cdr/*.spacy -o vectors/bc5cdr

MODEL is a folder that `transformers` can read; needs `torch` and `transformers`. The vector of a piece is the mean of the
last four layers. Long texts are encoded in windows, so that all of their pieces have vectors.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy
import typer
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer import Argument, Option

from spacy_al.util import content_hash

LAYERS, WINDOW, BATCH = 4, 256, 32


def encode_cli(
    model: Annotated[Path, Argument(help="Folder of a transformer", file_okay=False)],
    corpora: Annotated[list[Path], Argument(help=".spacy files", dir_okay=False)],
    output: Annotated[Path, Option("-o", help="Folder to write to")],
) -> None:
    """Write the vectors, the places of the pieces in their texts, and which rows are whose."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, encoder = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model)
    encoder.eval()
    docs = [doc for path in corpora for doc in DocBin().from_disk(path).get_docs(Vocab())]
    texts = [*{content_hash(doc.text): doc.text for doc in docs}.values()]
    texts.sort(key=len)
    index, vectors, places, n = {}, [], [], 0
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        inputs = tokenizer(
            batch,
            padding=True,
            truncation=True,
            max_length=WINDOW,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        of, offsets = inputs.pop("overflow_to_sample_mapping"), inputs.pop("offset_mapping")
        with torch.no_grad():
            layers = encoder(**inputs, output_hidden_states=True).hidden_states[-LAYERS:]
        hidden = torch.stack(layers).mean(0).numpy()
        for i, text in enumerate(batch):
            found = [
                (offsets[row][real], hidden[row][real])
                for row in numpy.flatnonzero(of.numpy() == i)
                for real in [(offsets[row][:, 1] > offsets[row][:, 0]).numpy()]
            ]
            places += [place.numpy() for place, _ in found]
            vectors += [vector for _, vector in found]
            size = sum(len(place) for place, _ in found)
            index[content_hash(text)] = (n, n + size)
            n += size
        print(f"{start + len(batch):,} of {len(texts):,} texts", end="\r", flush=True)
    output.mkdir(parents=True, exist_ok=True)
    numpy.save(output / "vectors.npy", numpy.concatenate(vectors).astype("float16"))
    numpy.save(output / "places.npy", numpy.concatenate(places).astype("int32"))
    (output / "index.json").write_text(json.dumps(index), "utf8")
    print(f"\n{output}: {n:,} pieces")


if __name__ == "__main__":
    typer.run(encode_cli)
