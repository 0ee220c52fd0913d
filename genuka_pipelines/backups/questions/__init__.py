"""What is asked of backups: one module for each question, each with one function `ask`."""
