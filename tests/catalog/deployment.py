"""A smallest whole deployment in YAML, to be broken in one place at a time."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

COMPONENT = "genuka_pipelines.components."
CATEGORY = "shop/recordings/defs.yaml"
FACTS: dict[str, dict[str, Any]] = {
    "vocabulary/defs.yaml": {
        "type": COMPONENT + "Vocabulary",
        "attributes": {
            "purposes": {
                "improve": {
                    "title": {"fr": "Améliorer", "en": "Improve"},
                    "data_use": "functional.service.improve",
                }
            },
            "subjects": {"user": {"fr": "utilisateur", "en": "user"}},
            "classifications": {"user.replay": {"fr": "séance", "en": "session"}},
            "events": {"ended_at": {"fr": "leur fin", "en": "they end"}},
        },
    },
    "policies/shop/defs.yaml": {
        "type": COMPONENT + "Policy",
        "attributes": {
            "product": "shop",
            "title": {"fr": "Politique", "en": "Policy"},
            "version": "2024-05-03",
            "source_sha256": "0" * 64,
            "clauses": [{"id": "SH-01", "kind": ["enforced"], "text": {"fr": "Un mois.", "en": "One month."}}],
        },
    },
    "systems/host/defs.yaml": {
        "type": COMPONENT + "Processor",
        "attributes": {
            "title": {"fr": "Hôte", "en": "Host"},
            "legal_name": "Host SAS",
            "role": "processor",
            "purposes": ["improve"],
            "receives": ["user.replay"],
            "systems": {
                "shop_database": {
                    "kind": "database",
                    "title": {"fr": "Base", "en": "Database"},
                    "place": {"country": "FR"},
                    "setting": "genuka",
                }
            },
        },
    },
    CATEGORY: {
        "type": COMPONENT + "DataCategory",
        "attributes": {
            "title": {"fr": "Enregistrements", "en": "Recordings"},
            "role": "controller",
            "source": "recorded",
            "system": "shop_database",
            "subjects": ["user"],
            "purposes": ["improve"],
            "legal_basis": ["legitimate_interest"],
            "law": ["GDPR"],
            "clauses": ["SH-01"],
            "tables": {
                "recordings": {
                    "tenant": "company_id",
                    "subject": {"user": "user_id"},
                    "columns": {
                        "id": "system.operations",
                        "company_id": "system.operations",
                        "user_id": "user.unique_id",
                        "ended_at": "user.replay",
                        "asked_at": {"holds": "system.operations"},
                    },
                    "retention": [
                        {
                            "keep": "P1M",
                            "since": "ended_at",
                            "sooner": {"asked": "asked_at"},
                            "clause": "SH-01",
                        }
                    ],
                    "expectations": [{"expect_column_values_to_not_be_null": {"column": "ended_at"}}],
                    "staging": {
                        "purpose": "improve",
                        "columns": {"day": {"day": "ended_at"}, "who": {"pseudonym": "user_id"}},
                    },
                }
            },
        },
    },
    "quality/as_declared/defs.yaml": {
        "type": COMPONENT + "Question",
        "attributes": {
            "title": {"fr": "Comme déclaré ?", "en": "As declared?"},
            "asks": "as_declared",
            "of": {"roles": ["controller"]},
            "clauses": ["SH-01"],
        },
    },
}


def facts() -> dict[str, dict[str, Any]]:
    """A copy that a test may change."""
    return copy.deepcopy(FACTS)


def write(root: Path, facts: dict[str, Any]) -> Path:
    """Write the facts (dictionaries as YAML, text as it is) below a folder `assets`."""
    assets = root / "assets"
    for name, content in facts.items():
        path = assets / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
            path.write_text(text, encoding="utf-8")
    return assets
