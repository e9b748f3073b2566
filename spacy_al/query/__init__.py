"""Which texts to ask next: a pool is scored, ranked, and questions are made of what a sampler takes."""
