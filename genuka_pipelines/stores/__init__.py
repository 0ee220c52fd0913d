"""Where sealed copies, exports, media and published files lie: one interface, a folder and S3.

Without one interface and one conformance suite, a backup proven on a laptop's folder would prove
nothing about the bucket that holds it in production.
"""
