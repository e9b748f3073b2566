"""Past one machine: shards that are scored and encoded by the workers of a cluster."""
