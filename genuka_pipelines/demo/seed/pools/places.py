"""Countries, their towns, money and telephone numbers that ring nowhere.

Numbers come from ranges reserved for fiction (ARCEP, Ofcom, NANPA) or, where a country has none,
from prefixes that its plan does not assign; addresses of computers from the documentation and
benchmark ranges of RFC 5737, 3849 and 2544.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """A country as a company, a customer or a visitor lives in it."""

    code: str
    weight: float
    currency: str
    spellings: tuple[str, ...]
    cultures: tuple[float, ...]  # in the order of names.CULTURES
    phones: tuple[str, ...]  # four digits follow
    towns: tuple[tuple[str, float, float], ...]
    languages: tuple[str, ...]


CURRENCY_NAMES = {"XAF": "Franc CFA (BEAC)", "XOF": "Franc CFA (BCEAO)", "EUR": "Euro", "USD": "US Dollar"}
# Worth of one unit in XAF, rounded; it only has to look right.
CURRENCY_RATES = {"XAF": 1.0, "XOF": 1.0, "EUR": 655.957, "USD": 600.0}

_AFRICAN_SPREAD = (0.85, 0.05, 0.02, 0.02, 0.02, 0.02, 0.02)

COUNTRIES = (
    Country(
        "CM",
        0.42,
        "XAF",
        ("Cameroon", "Cameroun", "Republic of Cameroon"),
        _AFRICAN_SPREAD,
        tuple(f"+237 6 00 {n:02d} " for n in range(20, 60)),
        (
            ("Douala", 4.05, 9.70),
            ("Yaoundé", 3.87, 11.52),
            ("Bafoussam", 5.48, 10.42),
            ("Garoua", 9.30, 13.40),
            ("Kribi", 2.94, 9.91),
            ("Ngaoundéré", 7.32, 13.58),
        ),
        ("fr-CM", "fr", "en-CM"),
    ),
    Country(
        "FR",
        0.18,
        "EUR",
        ("France", "FRANCE", "République française"),
        (0.06, 0.74, 0.03, 0.03, 0.06, 0.03, 0.05),
        ("+33 6 39 98 ", "+33 1 99 00 ", "06 39 98 ", "+33 4 65 71 "),
        (
            ("Paris", 48.86, 2.35),
            ("Lyon", 45.76, 4.84),
            ("Marseille", 43.30, 5.37),
            ("Saint-Étienne", 45.44, 4.39),
            ("Orléans", 47.90, 1.91),
        ),
        ("fr-FR", "fr", "en-GB"),
    ),
    Country(
        "CI",
        0.14,
        "XOF",
        ("Côte d'Ivoire", "Cote d'Ivoire", "Ivory Coast"),
        (0.02, 0.05, 0.83, 0.04, 0.02, 0.02, 0.02),
        tuple(f"+225 09 00 {n:02d} " for n in range(10, 30)),
        (("Abidjan", 5.35, -4.00), ("Bouaké", 7.69, -5.03), ("Yamoussoukro", 6.83, -5.29)),
        ("fr-CI", "fr"),
    ),
    Country(
        "SN",
        0.11,
        "XOF",
        ("Sénégal", "Senegal"),
        (0.02, 0.05, 0.03, 0.82, 0.05, 0.01, 0.02),
        tuple(f"+221 79 00 {n:02d} " for n in range(20)),
        (("Dakar", 14.69, -17.44), ("Thiès", 14.79, -16.93), ("Saint-Louis", 16.02, -16.49)),
        ("fr-SN", "fr"),
    ),
    Country(
        "GA",
        0.05,
        "XAF",
        ("Gabon",),
        _AFRICAN_SPREAD,
        tuple(f"+241 00 {n:02d} " for n in range(10, 30)),
        (("Libreville", 0.39, 9.45), ("Port-Gentil", -0.72, 8.78)),
        ("fr-GA", "fr"),
    ),
    Country(
        "BE",
        0.04,
        "EUR",
        ("Belgique", "Belgium", "België"),
        (0.08, 0.60, 0.03, 0.03, 0.08, 0.02, 0.16),
        ("+32 400 00 ", "+32 400 01 "),
        (("Bruxelles", 50.85, 4.35), ("Liège", 50.63, 5.57)),
        ("fr-BE", "nl-BE", "en"),
    ),
    Country(
        "CA",
        0.03,
        "USD",
        ("Canada",),
        (0.10, 0.45, 0.05, 0.05, 0.08, 0.10, 0.17),
        ("+1 514 555 ", "+1 438 555 "),
        (("Montréal", 45.50, -73.57), ("Québec", 46.81, -71.21)),
        ("fr-CA", "en-CA"),
    ),
    Country(
        "US",
        0.03,
        "USD",
        ("United States", "USA"),
        (0.20, 0.10, 0.05, 0.05, 0.10, 0.15, 0.35),
        ("+1 202 555 ", "+1 312 555 "),
        (("Washington", 38.91, -77.04), ("Chicago", 41.88, -87.63)),
        ("en-US", "en", "zh-CN", "ar"),
    ),
)

STREETS = (
    "rue des Manguiers",
    "avenue de l'Indépendance",
    "boulevard de la Liberté",
    "impasse du Vieux-Marché",
    "rue Félix-Tailleur",
    "carrefour Deux-Clés",
    "route de l'Aéroport",
    "allée des Flamboyants",
    "place de l'Étoile-Bleue",
    "rue du Père-Noëlin",
    "Quarter 3, Market Street",
    "شارع النخيل",
    "中山路",
)

DETAILS = (
    "Face à la pharmacie",
    "Derrière la boulangerie, portail bleu",
    "2e étage, sonner deux fois 🔔",
    "Next to the water tower",
    "À côté de l'école, demander le gardien",
    "Bât. B — code sur demande",
)

ADDRESS_LABELS = ("Maison", "Bureau", "Boutique", "Home", "Dépôt n°2")
