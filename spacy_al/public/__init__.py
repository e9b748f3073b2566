"""The verbs as functions of Python: `spacy_al.select` and the others, and what they return."""
