"""The questions put to what analysts read; each module answers the one that its first line asks."""
