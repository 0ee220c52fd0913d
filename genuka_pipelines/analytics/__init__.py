"""What analyses may see: staged columns only, coarsened or pseudonymised before they leave their database."""
