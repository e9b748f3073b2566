"""What a clone has of configs and corpus, with a pool that is soon read."""

import shutil
from pathlib import Path

from spacy.tokens import DocBin
from spacy.vocab import Vocab

ROOT = Path(__file__).parents[2]
# Texts, of 3,000
POOL_SIZE = 600


def copy_clone(folder: Path) -> None:
    for name in ("configs", "corpus"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("pool", "pool_gold"):
        path = folder / f"corpus/{name}.spacy"
        docs = list(DocBin().from_disk(path).get_docs(Vocab()))
        DocBin(docs=docs[:POOL_SIZE], store_user_data=True).to_disk(path)
