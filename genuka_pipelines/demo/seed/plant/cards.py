"""Card data where people leave them: in messages, notes, documents and the names of files.

The numbers are test numbers, valid by Luhn and issued to nobody: of every network the ranges that
a detector must know, written in the ways that people write them.
"""

from __future__ import annotations

from genuka_pipelines.demo.seed.files import PDF, PNG, SIZES
from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA

# (network, first digits, length): filled up with zeros and closed by the check digit.
_RANGES = (
    ("Visa", "411111111111111", 16),
    ("Visa", "424242424242424", 16),
    ("Visa", "422222222222", 13),
    ("Mastercard", "555555555555444", 16),
    ("Mastercard", "510510510510510", 16),
    ("Mastercard", "222300312200322", 16),
    ("American Express", "37828224631000", 15),
    ("American Express", "34000000000000", 15),
    ("Discover", "601111111111111", 16),
    ("Discover", "65", 16),
    ("Diners Club", "3056930902590", 14),
    ("Diners Club", "36", 14),
    ("JCB", "353011133330000", 16),
    ("UnionPay", "62", 16),
    ("UnionPay", "62", 19),
    ("Maestro", "675964982643845", 16),
    ("Verve", "506100", 19),
    ("Mir", "2200", 16),
    ("Mada", "588845", 16),
    ("RuPay", "608", 16),
    ("Elo", "509000", 16),
    ("Hipercard", "606282", 16),
    ("Troy", "9792", 16),
    ("Dankort", "5019", 16),
)
_SENTENCES = (
    "Merci de débiter ma carte {} pour la commande.",
    "My card number is {}, please charge it again.",
    "Le client a dicté sa carte : {} (rappeler demain)",
    "Card {} was refused 😕",
)
CARD, CODE, EXPIRY, TRACK = "card_number", "card_security_code", "card_expiry", "card_track"


def check_digit(digits: str) -> str:
    """The digit that Luhn's formula (ISO/IEC 7812-1, annex B) puts after these."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def numbers() -> list[str]:
    """A test number of every range."""
    made = []
    for _, start, length in _RANGES:
        body = start.ljust(length - 1, "0")
        made.append(body + check_digit(body))
    return made


def spaced(number: str, gap: str) -> str:
    """A number in groups of four, as on a card."""
    return gap.join(number[start : start + 4] for start in range(0, len(number), 4))


def plant(bed: Bed, here: Tenant) -> None:
    """Card data in the categories that Genuka controls, and in a tenant that opted in."""
    _messages(bed)
    _beside(bed)
    _papers(bed)
    _tenant_texts(bed, here)
    _file_names(bed, here)
    _genletter(bed)


def _messages(bed: Bed) -> None:
    for place, number in enumerate(numbers()):
        written = (number, spaced(number, " "), spaced(number, "-"))[place % 3]
        message = _SENTENCES[place % len(_SENTENCES)].format(written)
        _message(bed, (CARD,), message)


def _message(bed: Bed, kinds: tuple[str, ...], message: str) -> None:
    person = bed.person()
    values = {"name": person["last_name"], "email": person["email"], "subject": "support", "message": message}
    key = bed.add(GENUKA, "contact_requests", values)
    for kind in kinds:
        bed.note(kind, GENUKA, "contact_requests", key, "message")


def _beside(bed: Bed) -> None:
    """Security codes, expiry dates and magnetic tracks, which only matter beside a card."""
    visa = numbers()[0]
    _message(bed, (CARD, CODE), f"Carte {spaced(visa, ' ')}, CVV 123")
    _message(bed, (CARD, EXPIRY), f"Card {visa} exp 12/29")
    _message(bed, (CARD, CODE, EXPIRY), f"CB {spaced(visa, '-')} exp. 08/28 cryptogramme 987")
    _message(bed, (TRACK,), f"%B{visa}^EXEMPLE/AYA^29121011000000000000?")
    _message(bed, (TRACK,), f";{visa}=29121011000000000?")


def _papers(bed: Bed) -> None:
    visa = numbers()[0]
    letter = f"Bonjour,\n\nPour les frais de dossier, ma carte : {spaced(visa, ' ')}."
    sent = {**bed.person(), "status": "received", "source": "email", "cover_letter": letter}
    bed.plant(CARD, (GENUKA, "job_applications", "cover_letter"), sent)
    invoice = {
        "number": "GK-PLANTED-1",
        "plan": "PRO",
        "issued_at": bed.ago(1),
        "processor": "stripe",
        "amount": 15_000,
        "currency": "XAF",
        "billing_address": {"line1": f"carte {visa}", "city": "Douala", "country": "CM"},
    }
    bed.plant(CARD, (GENUKA, "platform_invoices", "billing_address"), invoice)


def _tenant_texts(bed: Bed, here: Tenant) -> None:
    shown = [spaced(number, " ") for number in numbers()]
    order = {**here.own, "shop_id": here.shop, "reference": "#ORDER_1002", "currency": "XAF", "amount": 0}
    order["metadata"] = {"note": f"payer avec la carte {shown[3]}"}
    bed.plant(CARD, (GENUKA, "orders", "metadata"), order)
    customer = {**here.own, **bed.person(), "custom_fields": {"carte": shown[6]}}
    bed.plant(CARD, (GENUKA, "customers", "custom_fields"), customer)
    review = {
        **here.own,
        "reviewable_type": "product",
        "reviewable_id": here.product,
        "content": f"Payé avec ma carte {shown[8]}, merci",
        "customer": [],
    }
    bed.plant(CARD, (GENUKA, "reviews", "content"), review)
    trace = {
        "subject_type": "App\\Models\\Customer",
        "subject_id": here.customer,
        "causer_type": "user",
        "causer_id": here.user,
        "event": "updated",
        "description": "updated",
        "properties": {"old": {"note": f"carte {shown[1]}"}, "attributes": {"note": ""}},
    }
    bed.plant(CARD, (GENUKA, "activity_log", "properties"), trace)
    back = {**here.own, "order_id": here.order, "comment": f"rembourser sur la carte {shown[4]}"}
    bed.plant(CARD, (GENUKA, "returns", "comment"), back)
    for ref in bed.dedicated[:1]:
        own = {"company_id": bed.tenant_of(ref), **bed.person(), "custom_fields": {"card": shown[0]}}
        bed.plant(CARD, (ref, "customers", "custom_fields"), own)


def _file_names(bed: Bed, here: Tenant) -> None:
    visa, mastercard, amex = (numbers()[place] for place in (0, 3, 6))
    picture = {
        "model_type": "App\\Models\\Customer",
        "model_id": here.customer,
        "collection_name": "private_medias",
        "file_name": f"carte_{spaced(visa, '-')}.png",
        "mime_type": PNG,
        "size": SIZES[PNG],
        "generated_conversions": {"thumb": True},
    }
    bed.plant(CARD, (GENUKA, "media", "file_name"), picture)
    paper = {
        "model_type": "order",
        "model_id": here.order,
        "collection_name": "private_medias",
        "file_name": f"scan {spaced(mastercard, '_')} recto.pdf",
        "mime_type": PDF,
        "size": SIZES[PDF],
        "generated_conversions": [],
    }
    bed.plant(CARD, (GENUKA, "media", "file_name"), paper)
    sent = {**bed.person(), "status": "received", "source": "email", "cv_file_name": f"CB {amex}.pdf"}
    bed.plant(CARD, (GENUKA, "job_applications", "cv_file_name"), sent)


def _genletter(bed: Bed) -> None:
    person, shown = bed.person(), spaced(numbers()[1], " ")
    account = {"name": person["last_name"], "email": person["email"], "last_login_at": bed.ago(1)}
    own = {"account_id": bed.add(GENLETTER, "accounts", account, age=30)}
    conversation = {**own, "provider": "tawk_to", "started_at": bed.ago(1)}
    said = {
        "conversation_id": bed.add(GENLETTER, "chat_conversations", conversation),
        "author": "visitor",
        "body": f"Voici ma carte : {shown}",
        "sent_at": bed.ago(1),
    }
    bed.plant(CARD, (GENLETTER, "chat_messages", "body"), said)
    invoice = {
        **own,
        "number": "GL-PLANTED-1",
        "processor": "stripe",
        "issued_at": bed.ago(1),
        "billing_address": {"line1": f"card {shown}"},
    }
    bed.plant(CARD, (GENLETTER, "billing_invoices", "billing_address"), invoice)
    profile = {**own, "name": person["last_name"], "preferences": {"carte": numbers()[3]}}
    bed.plant(CARD, (GENLETTER, "user_profiles", "preferences"), profile)
