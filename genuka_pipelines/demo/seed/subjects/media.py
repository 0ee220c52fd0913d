"""Files of a tenant's companies, products and customers.

A file's name can be a person's, and one row stands for up to five objects: an erasure made by
column leaves both behind.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genuka_pipelines.demo.seed import files
from genuka_pipelines.demo.seed.arrays import (
    EMPTY_LIST,
    Array,
    Ints,
    choose,
    constant,
    documents,
    first_of,
    join,
    joined_rows,
    take,
    text,
)
from genuka_pipelines.demo.seed.chunks import Bench, Chunk
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.subjects.orders import Tenant
from genuka_pipelines.demo.seed.times import stamps
from genuka_pipelines.demo.seed.values import GENUKA


def chunks(bench: Bench, tenant: Tenant) -> Iterator[Chunk]:
    """Logos and product pictures of some companies, and a private paper of a few customers."""
    block, dice = tenant.block, bench.dice("media", tenant.block)
    dedicated = block.database != GENUKA
    # A logo belongs to the account, which is on the platform whatever database the tenant has.
    logos = np.flatnonzero(dice.chance(block.size, 0.0 if dedicated else 0.05))
    product = tenant.goods.of_company.first[np.flatnonzero(dice.chance(block.size, 1.0 if dedicated else 0.05))]
    person = tenant.people.of_company.first[np.flatnonzero(dice.chance(block.size, 1.0 if dedicated else 0.02))]
    people = tenant.people.people.at(person)
    rows = len(logos) + len(product) + len(person)
    made = np.concatenate(
        (
            block.roster.created[logos] + 1200,
            tenant.goods.created[product] + 5,
            tenant.people.created[person] + 5,
        )
    )
    made = bench.past(made)
    which = np.repeat(np.arange(3), (len(logos), len(product), len(person)))
    names = joined_rows(
        [
            join("logo ", dice.among(("été", "v2", "🌺 final"), len(logos)), ".png"),
            join("photo-", text(tenant.goods.kind[product]), ".png"),
            join("Contrat ", first_of(people.full, constant("client", len(person))), ".pdf"),
        ]
    )
    paper = which == 2
    yield Chunk(
        block.database,
        "media",
        rows,
        {
            "id": text(bench.serials(block.database, "media", rows)),
            "model_type": _model(dice, which),
            "model_id": joined_rows(
                [
                    take(block.roster.ids, logos),
                    take(tenant.goods.products, product),
                    take(tenant.people.ids, person),
                ]
            ),
            "collection_name": choose(which == 0, "logo", choose(paper, "private_medias", "default")),
            "file_name": names,
            "mime_type": choose(paper, files.PDF, files.PNG),
            "size": choose(paper, str(files.SIZES[files.PDF]), str(files.SIZES[files.PNG])),
            "generated_conversions": choose(paper, EMPTY_LIST, dice.among(documents(files.CONVERSION_SETS), rows)),
            **stamps(made),
        },
    )


def _model(dice: Dice, which: Ints) -> Array:
    """The owner's type of each media row, in either spelling."""
    model = take(("Company", "Product", "Customer"), which)
    short = take(("company", "product", "customer"), which)
    return choose(dice.chance(len(which), 0.2), short, join("App\\Models\\", model))
