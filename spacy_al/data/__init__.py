"""Records: the pool, the corpus, tasks and the store of answers."""
