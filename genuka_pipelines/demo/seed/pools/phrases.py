"""Free text in French and English: notes, reviews, messages, letters.

It stays clear of beliefs, opinions, health, unions and origins, and of long numbers, so that a
detector which finds something in a fresh seeding has found its own mistake.
"""

from __future__ import annotations

ORDER_NOTES = (
    "Livrer après 17 h s'il vous plaît",
    "Emballage cadeau 🎁",
    "Call before delivery",
    'Le client dit : "sans sucre"',
    "Appeler à l'arrivée, le portail est fermé",
    "Rendre la monnaie sur un gros billet",
    "Commande pour l'anniversaire de sa mère 🎂",
    "请尽快送货",
    "الرجاء الاتصال قبل التسليم",
    "Chemin C:\\Commandes\\Avril, voir le fichier",
    "Première ligne\nDeuxième ligne\tavec tabulation",
)
CUSTOM_FIELDS = (
    {"taille": "M"},
    {"préférence": "sans sucre"},
    {"delivery_hint": "blue gate"},
    {"allée": "3, au fond à gauche"},
)
REVIEWS = (
    "Très bon accueil, je recommande 👍",
    "Livraison un peu lente mais produit conforme.",
    "Excellent service, thank you!",
    "L'emballage était abîmé 😕",
    "Parfait, comme d'habitude.",
    "Good value, I'll come back.",
    "Le goût m'a rappelé mon enfance ❤️",
)
RETURN_COMMENTS = (
    "Couture défaite à la réception",
    "Wrong size",
    "Écran fêlé",
    "Ne s'allume pas",
    "Le client a changé d'avis",
)
CONTACT_MESSAGES = (
    "Bonjour, je souhaite une démonstration de Genuka pour mes trois boutiques.",
    "Hello, do you have a yearly plan? We run a small bakery.",
    "Je n'arrive pas à importer mon catalogue, pouvez-vous m'aider ?",
    "Can I connect my existing web shop? Thanks 🙏",
    "Quel est le prix de la formule ENTERPRISE ?",
    "Nous préparons l'ouverture d'un second magasin à Bafoussam.",
)
CONTACT_SUBJECTS = ("demo", "pricing", "support", "partnership")
LETTER_OPENINGS = (
    "Madame, Monsieur,\n\nVotre annonce a retenu toute mon attention.",
    "Hello,\n\nI would love to join your team.",
    "Bonjour,\n\nJe me permets de vous proposer ma candidature.",
    "Dear hiring team,\n\nI have followed your product since its first version.",
)
LETTER_BODIES = (
    "J'ai conduit pendant quatre ans le support d'une boutique en ligne et j'aime résoudre les problèmes.",
    "I built inventory tools in PHP and Vue for five years, and I enjoy talking with customers.",
    "Développeuse depuis l'école, j'ai appris Laravel sur de vrais projets de commerce.",
    "My last role was in design: interviews, prototypes and a lot of patience.",
    "Comptable de formation, je tiens les comptes de trois commerces et cherche un nouveau défi.",
)
LETTER_CLOSINGS = (
    "Dans l'attente de votre réponse, je vous adresse mes salutations distinguées.",
    "Looking forward to hearing from you! 🚀",
    "Bien cordialement.",
    "Kind regards.",
)
POSITIONS = ("Développeur·se", "Support client", "Designer", "Comptable", "Chargé·e de compte")
HR_NOTES = (
    "Période d'essai validée.",
    "Equipment handed over on the first day.",
    "Formation au produit suivie.",
    "Télétravail deux jours par semaine.",
)
EVENT_TITLES = (
    "Genuka Day Douala",
    "Atelier caisse et stock",
    "Rencontre des commerçants — Abidjan",
    "Webinar: sell on WhatsApp",
    "Petit-déjeuner du e-commerce à Lyon",
)
PARTNERS = (
    "Zénith Conseil",
    "Kolo Tech",
    "Hub de l'Étoile",
    "Banque des Palmiers",
    "Réseau Sœurs d'Affaires",
)
CHAT_VISITOR = (
    "Bonjour, comment changer mon nom d'expéditeur ?",
    "Hi, my newsletter isn't sent 😕",
    "Où trouver ma dernière facture ?",
    "Merci beaucoup !",
    "Is there a dark mode?",
    "Je ne reçois pas l'e-mail de confirmation.",
)
CHAT_AGENT = (
    "Bonjour, je regarde tout de suite.",
    "You can change it under Settings → Sender.",
    "C'est corrigé, pouvez-vous réessayer ?",
    "Avec plaisir, bonne journée ☀️",
)
SHOP_TEXTS = (None, "Ouvert du lundi au samedi", "Open every day 🌞", "Vente en gros et au détail")
TICKET_REASONS = ("support", "explicit_request", "support", "security")
