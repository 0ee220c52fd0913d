"""A synthetic Genuka, and the services that a bare machine lacks: everything needed to see the house at work."""
