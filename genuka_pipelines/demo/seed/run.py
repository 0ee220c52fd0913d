"""A seeding from end to end: open and check every database, empty them, fill them, mark them.

Nothing is touched before all databases have been found to be ours, and every step may be repeated:
a seeding killed anywhere is mended by seeding again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from genuka_pipelines.demo.seed import files
from genuka_pipelines.demo.seed.base import Base
from genuka_pipelines.demo.seed.errors import SharedDatabase
from genuka_pipelines.demo.seed.fill import Progress, fill
from genuka_pipelines.demo.seed.objects import keys_of
from genuka_pipelines.demo.seed.plant import plant
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA, Recipe, Seeded, Target, dedicated_refs


def run(target: Target, recipe: Recipe, progress: Progress | None) -> Seeded:
    """Fill the target from the recipe; see `seed`."""
    tell = progress or (lambda _: None)
    refs = dedicated_refs(recipe.companies)
    with _opened(target, refs) as bases:
        _drop_objects(target, bases)
        for former in sorted(bases.keys() - {GENUKA, GENLETTER, *refs}):
            bases.pop(former).forget()
        for base in bases.values():
            base.claim(recipe, refs)
        for base in bases.values():
            base.clear()
        counts = fill(bases, recipe, tell)
        planted = plant(bases, recipe, counts) if recipe.plant else []
        tell("writing media objects")
        for base in bases.values():
            for key in keys_of(base):
                target.put_media(key, files.content(key))
        for base in bases.values():
            base.complete()
    return Seeded(counts.total(), dict(sorted(counts.items())), planted)


def forget(target: Target) -> None:
    """Remove everything that a seeding made; see `forget` in the package."""
    with _opened(target, ()) as bases:
        _drop_objects(target, bases)
        # The platform's marker names the dedicated databases, so it goes last.
        for name in sorted(bases, key=lambda name: name == GENUKA):
            bases[name].forget()


@contextmanager
def _opened(target: Target, refs: tuple[str, ...]) -> Iterator[dict[str, Base]]:
    """Every database of the target, of this seeding and of the one before it, all found to be ours."""
    with ExitStack() as stack:
        bases: dict[str, Base] = {}
        places: dict[tuple[object, ...], str] = {}

        def opened(name: str) -> Base:
            engine = target.engine(name)
            url = engine.url
            place = (url.host, url.port, url.database, *map(url.query.get, ("host", "unix_socket")))
            if places.setdefault(place, name) != name:
                raise SharedDatabase(
                    f'"{places[place]}" and "{name}" are one and the same database: give each its own.'
                )
            bases[name] = stack.enter_context(closing(Base(name, engine)))
            return bases[name]

        mark = opened(GENUKA).mark
        for name in (GENLETTER, *sorted({*refs, *(mark.dedicated_refs if mark else ())})):
            opened(name)
        yield bases


def _drop_objects(target: Target, bases: dict[str, Base]) -> None:
    for base in bases.values():
        for key in keys_of(base):
            target.drop_media(key)
