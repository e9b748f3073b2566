"""The site: `sphinx-build -W -c docs . site`. Its pages are the Markdown that stands in the repository, with the same links."""

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import spacy_al

ROOT = Path(__file__).parents[1]

project = "spacy-al"
author = "The spacy-al authors"
version = release = spacy_al.__version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "README"
include_patterns = [
    "README.md",
    "corpus/README.md",
    "configs/*/README.md",
    "docs/*.md",
    "docs/*/*.md",
]
html_theme = "furo"
html_title = "spacy-al"
html_copy_source = False
html_show_sourcelink = False
# as code hosts name headings
myst_heading_anchors = 6


def navigation() -> str:
    """The index of pages as what stands at the side: a caption for each part of it, and its pages in their order."""
    parts = re.split(r"^\*\*(.+)\*\*$", (ROOT / "docs" / "README.md").read_text("utf8"), flags=re.M)
    trees, seen = [], {"README.md"}
    for caption, text in zip(parts[1::2], parts[2::2]):
        pages = []
        for link in re.findall(r"\]\(([^)#]+\.md)\)", text):
            page = (ROOT / "docs" / link).resolve().relative_to(ROOT).as_posix()
            if page not in seen:
                seen.add(page)
                pages.append(page.removesuffix(".md"))
        trees.append(tree(caption, pages))
    rest = {
        p.relative_to(ROOT).as_posix() for pattern in include_patterns for p in ROOT.glob(pattern)
    }
    return "\n\n".join([*trees, tree("More", sorted(page[:-3] for page in rest - seen))])


def tree(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", f":caption: {caption}", ":hidden:", *pages, "```"])


def add_navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Code hosts would show it as code, so it is added where the site is built."""
    if name == root_doc:
        source[0] += f"\n\n{navigation()}\n"


def add_first_page(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", add_navigation)
    app.connect("build-finished", add_first_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
