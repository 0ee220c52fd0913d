"""What companies are called and what they sell.

Names with accents, apostrophes and emoji reach file names, handles and documents; a catalogue of
plain words would not show where they get lost.
"""

from __future__ import annotations

COMPANY_PREFIXES = (
    "Boulangerie",
    "Éts",
    "Chez",
    "Boutique",
    "Maison",
    "Atelier",
    "Pâtisserie",
    "Quincaillerie",
    "L'Épicerie de",
    "Salon",
    "Pharmacie",
    "Garage",
    "Traiteur",
    "Librairie",
    "Studio",
)
COMPANY_SUFFIXES = (
    "",
    "",
    "",
    " & Fils",
    " SARL",
    " Sœurs",
    " Express",
    " 🌺",
    " d'Afrique",
    " — Déco",
    " Group",
)

# (title, kind, price in XAF)
PRODUCTS = (
    ("Café moulu 250 g", "physical_goods", 3500),
    ("Crème de karité", "physical_goods", 2500),
    ("Pagne wax 6 yards", "physical_goods", 12000),
    ("Coupe & brushing", "service", 8000),
    ("Pâte d'arachide", "physical_goods", 1500),
    ("Sac à main en raphia", "physical_goods", 18000),
    ("Réparation d'écran", "service", 25000),
    ("Gâteau d'anniversaire 🎂", "physical_goods", 15000),
    ("Jus de gingembre", "physical_goods", 1000),
    ("Chaussures en cuir", "physical_goods", 32000),
    ("Massage d'une heure", "service", 20000),
    ("Poulet braisé", "physical_goods", 4500),
    ("Téléphone reconditionné", "physical_goods", 95000),
    ("Huile de palme 1 L", "physical_goods", 1800),
    ("Cours d'anglais", "service", 6000),
    ("Bouquet de fleurs", "physical_goods", 11000),
    ("Savon noir", "physical_goods", 1200),
    ("Livraison de repas", "service", 2000),
    ("Tôle ondulée 3 m", "physical_goods", 7500),
    ("Robe brodée sur mesure", "physical_goods", 45000),
    ("Thé à la menthe", "physical_goods", 900),
    ("Riz parfumé 5 kg", "physical_goods", 6500),
    ("Boucles d'oreilles", "physical_goods", 3000),
    ("Entretien de climatiseur", "service", 15000),
)
VARIANTS = ("Default", "Petit", "Moyen", "Grand", "Rouge", "Bleu", "Édition d'été")
PRODUCT_TEXTS = (
    None,
    "<p>Fait main à Douala.</p>",
    "<p>Qualité supérieure ✅</p>",
    "Handmade, limited series.",
    "<p>Idéal pour offrir 🎁</p>\n<p>Livraison possible.</p>",
)
SUPPLIERS = (
    "Grossiste du Littoral",
    "Import-Export Bélier",
    "Cloud & Cie",
    "Coopérative de l'Ouest",
    "Loyer Immo",
    "Établissements Zénith",
)
TAGS = (
    "VIP",
    "fidèle",
    "à relancer",
    "gros volume",
    "promo été",
    "wholesale",
    "🎁 cadeau",
    "Ami de la maison",
)
EXPENSES = ("RAW_MATERIALS", "RENT", "raw_materials", "SERVICES", "TRANSPORT")
