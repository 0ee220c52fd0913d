"""The words that the reference Genuka is made of: invented people, places, goods and sentences.

No real person is in them and no address or number that could reach anyone; words that a detector
of cards or of special categories should find are kept out, and live in `plant/`.
"""
