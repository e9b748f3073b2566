"""`spacy-al export-encoder`: a transformer for ONNX Runtime, so that what reads it needs neither torch nor transformers."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import spacy
from typer import Argument, Option

from spacy_al.cli.app import app, explained, say
from spacy_al.cli.options import LAYERS, Quiet
from spacy_al.corpus.pool import read_pool
from spacy_al.embeddings.encode_pool import format_size
from spacy_al.embeddings.encoder import make_settings
from spacy_al.embeddings.onnx_export import export_encoder

ENCODER = "Folder of a transformers model, or an installed package that holds one"
OUTPUT = "Folder to be made, which is named as the encoder from then on"
FLOAT32 = "Keep the weights as they are: four times the size, and more time"
CHECK = "Pool on whose first texts both are compared (default: a few that come with the package)"
# Texts of --check
MOST = 200


@app.command("export-encoder")
@explained
def export_encoder_cli(
    encoder: Annotated[str, Argument(help=ENCODER)],
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT)],
    layers: Annotated[str | None, Option("--layers", help=LAYERS)] = None,
    float32: Annotated[bool, Option("--float32", help=FLOAT32)] = False,
    check: Annotated[Path | None, Option("--check", help=CHECK)] = None,
    quiet: Quiet = False,
) -> None:
    """Export a pretrained encoder to ONNX Runtime, with weights as integers, and compare what both say.

    It needs the extra onnx-export, once. Where the folder is used, the extra onnx is enough: no torch, no transformers.
    """
    docs = []
    if check is not None:
        docs = [item.doc for item in islice(read_pool(check, spacy.blank("en")), MOST)]
    made = export_encoder(make_settings(encoder, layers), output, int8=not float32, docs=docs)
    if not quiet:
        say(
            f"ℹ Mean cosine to what torch says: {made.token_cosine:.4f} of {made.tokens:,} tokens, {made.text_cosine:.4f} of "
            f"{made.texts:,} texts"
        )
        layers_said = ", ".join(map(str, made.layers))
        say(
            f"✔ {made.folder}: {format_size(made.size)}, tokens are the mean of the layers {layers_said}. Use it with -e {made.folder}"
        )
