"""`.spacy` files: pools, labelled corpora, and what is taken in from elsewhere."""
