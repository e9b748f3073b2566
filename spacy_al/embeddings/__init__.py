"""A vector for each document, and for each token: pretrained encoders and the cache of what they say."""
