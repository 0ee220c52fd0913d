"""The forms of a table beside its exact text: for people, for programs, and for analysts."""
