"""The questions put to the register of requests, one module each."""
