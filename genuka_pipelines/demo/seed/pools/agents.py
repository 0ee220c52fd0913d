"""Browsers, their platforms, where visitors come from and what they look at.

Only what the policy allows a log to hold; a full user agent goes to sessions alone.
"""

from __future__ import annotations

# (browser, version, platform, weight)
BROWSERS = tuple(
    (browser, f"{version}.0", platform, weight * share)
    for browser, versions, weight, platforms in (
        ("Chrome", (124, 126, 128, 130, 131), 5.0, (("Android", 3.0), ("Windows", 2.0), ("macOS", 0.7))),
        ("Firefox", (127, 130, 132), 1.0, (("Windows", 1.0), ("Linux", 0.6), ("Android", 0.3))),
        ("Safari", (16, 17, 18), 2.0, (("iOS", 2.0), ("macOS", 1.0))),
        ("Edge", (126, 130), 0.8, (("Windows", 1.0),)),
        ("Opera Mini", (71, 73), 1.2, (("Android", 1.0),)),
        ("Samsung Internet", (25, 26), 0.9, (("Android", 1.0),)),
    )
    for version in versions
    for platform, share in platforms
)
REFERRERS = (
    None,
    None,
    None,
    "https://search.example/?q=logiciel+de+caisse",
    "https://search.example/?q=genuka",
    "https://social.example/posts/boutique",
    "https://blog.example.org/gerer-son-stock",
    "https://partner.example.com/recommandations?ref=été",
    "https://genuka.example/tarifs",
    "https://genuka.example/blog/n%27oubliez-pas",
)
PATHS = ("/", "/tarifs", "/blog", "/produit/caisse", "/produit/stock", "/aide", "/inscription", "/événements")
EMAIL_DOMAINS = ("example.org", "example.com", "example.net", "courriel.example", "boutique.example")
CLIENTS = ("0192f0c4-7a1b-7c3d-8e4f-aabbccddeeff", "0193a1d5-8b2c-7d4e-9f5a-bbccddeeffaa")
