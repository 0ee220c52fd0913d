"""A store in a folder of a disk."""
