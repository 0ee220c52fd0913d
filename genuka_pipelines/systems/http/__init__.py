"""One request to a service and its answer, by a key that goes nowhere else."""
