"""What several annotators come to together, how good each of them is, and whom to ask again. Numbers and tuples alone."""
