"""The words beside a number that make it a card's, or an order's, a barcode's, a bank account's.

Without them a security code is any three digits, an expiry date any month, and one order
number in a hundred a card number.
"""

from __future__ import annotations

import re
from typing import Final

CARD: Final = "\ue000"
"""Stands for a card number in a text that was read."""

_NETWORKS = (
    r"master ?card|amex|american express|maestro|verve|diners|jcb|union ?pay|rupay|dankort|hipercard|mir|elo|"
    r"troy|mada|discover"
)
# A visa that lets travel, and cards that pay nothing: what expires on them is nobody's payment data.
_BEFORE_A_PERMIT = "mon de un le du votre son leur my your the a an work entry student"
_OTHER_CARDS = (
    "id green gift sim sd business identity membership loyalty access health insurance student residence memory "
    "graphics video report score time key post library ration store phone press"
)


def _not_after(words: str) -> str:
    return "".join(f"(?<!{word} )" for word in words.split())


_NOT_A_PERMIT = (
    r"(?! (?:schengen|de |d'|touris|[eé]tudiant|travail|long|court|work|student|entry|biom|[eé]lectron|appli|renew|"
    r"status|sponsor|requis|requir|refus|office|transit|stay|business|is |will |a |has ))"
)
_VISA = rf"{_not_after(_BEFORE_A_PERMIT)}(?<!e-)(?<!d')visa{_NOT_A_PERMIT}"
_NOT_OTHER = _not_after(_OTHER_CARDS)

PAYMENT: Final = re.compile(
    rf"{CARD}|(?<![a-z])(?:cartes? (?:bancaires?|bleues?|de (?:cr[eé]dit|d[eé]bit|paiement|banque)|pr[eé]pay[eé]es?|"
    rf"visa|{_NETWORKS}|cb)|cb(?![a-z])|(?:credit|debit|payment|bank|prepaid)[ _-]?cards?|"
    rf"{_NOT_OTHER}card(?:[ _]?(?:number|no\b|num|exp|valid|verif|secur|holder)| (?:exp|valid|secur|verif))|"
    rf"{_NOT_OTHER}(?:cartes?|card)(?=[ :#]{{1,3}}[0-9]{{4}}[ -]?[0-9]{{2}})|"
    rf"num[eé]ros? de (?:la |ma |sa )?carte|(?:master ?card|amex|american express|maestro|union ?pay)(?![a-z])|"
    rf"{_VISA}(?![a-z]))|[\"_]card[\"_]",
    re.IGNORECASE,
)
"""Words that speak of a payment card and of nothing else; a card number is one of them."""

CARDS: Final = re.compile(
    rf"{PAYMENT.pattern}|(?<![a-z])(?:cartes?|cb|cc|pan|visa|mc|{_NETWORKS}|cvv2?|cvc2?)(?![a-z])|"
    r"card(?!b|i[aog]|inal)|بطاقة",
    re.IGNORECASE,
)
"""Looser: enough beside a number that already passed Luhn and an issuer's range."""

_OTHER = (
    r"orders?|commandes?|cmd|r[eé]f(?:[eé]rences?)?|factures?|invoices?|inv|devis|tickets?|suivi|tracking|colis|"
    r"livraison|siret|siren|imei|iccid|ean(?:-?13)?|gtin|upc|isbn|sscc|bar ?code|code-?barres?|rib|iban|comptes?|"
    r"account|acct|t[eé]l(?:[eé]phone)?|phone|mobile|whatsapp|sku|s[eé]rie|serial|transactions?|trx|txn|nir|niu|nif|"
    r"tva|vat|md5|sha-?\d*|hash|lat|lng|lon|uuid|id|(?!card|carte|cb|cc)[a-z]+_id"
)
OTHER_NUMBER: Final = re.compile(
    rf"(?:(?<![A-Za-z])(?:{_OTHER})|(?-i:[a-z]I[dD]))[^0-9A-Za-z]{{0,6}}"
    r"(?:(?:n[o°º]?|number|num[eé]ro)[^0-9A-Za-z]{0,4})?$",
    re.IGNORECASE,
)
"""What announces a number that is no card's, at the end of the text before it."""
