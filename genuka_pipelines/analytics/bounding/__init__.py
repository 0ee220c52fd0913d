"""Bounding: what each unit gives to each cell, cut to what is declared, before anything is added up."""
