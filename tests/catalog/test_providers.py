"""Providers are those that the policy lists, with their certificates and no more data than it says."""

from __future__ import annotations

from tests.catalog.facts import FACTS


def test_certificates_are_those_that_the_policy_lists() -> None:
    listed = {key: [c.name for c in provider.certificates] for key, provider in FACTS.processors.items()}
    ovh = "ISO 27001, SOC 1 TYPE II, SOC 2 TYPE II, PCI-DSS, CISPE, SecNumCloud, CSA STAR"
    aws = "ISO 9001, ISO 27001, ISO 27017, ISO 27018, SOC 1, SOC 2, SOC 3, PCI-DSS, HIPAA, CISPE, CSA STAR"
    assert listed["ovhcloud"] == ovh.split(", ")
    assert listed["aws"] == aws.split(", ")
    assert all(listed[payment] == ["PCI-DSS"] for payment in ("flutterwave", "notchpay", "stripe"))


def test_used_and_not_listed_is_said() -> None:
    unlisted = {key for key, provider in FACTS.processors.items() if not provider.listed}
    assert unlisted == {"pawapay", "whatsapp"}
    assert all(FACTS.processors[key].note for key in unlisted)


def test_payment_processors_receive_the_order_name_and_email_alone() -> None:
    allowed = {"user.order", "user.name", "user.contact.email"}
    assert all(set(FACTS.processors[key].receives) == allowed for key in ("flutterwave", "notchpay", "stripe"))
