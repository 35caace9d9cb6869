"""Files of models: found, fetched, converted, verified."""
