"""Is every request answered by the day on which its answer is due, and everybody told by then who had the data?"""

from __future__ import annotations

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.control.request import ENDED
from genuka_pipelines.requests.asked import Asked


def ask(asked: Asked) -> Answer:
    """No while any is late; the states of all others are counted."""
    register = asked.house.control.requests
    late, states = register.late(night_of(asked.as_of)), register.count()
    waiting = sum(number for status, number in states.items() if status not in ENDED)
    untold = asked.house.control.recipients.untold(night_of(asked.as_of))
    notes = [f"{late} requests should have been answered before today"] if late else []
    notes += [f"{untold} recipients should have been told before today"] if untold else []
    known = sum(states.values())
    counts = {"late": late, "waiting": waiting, "untold": untold, "all": known}
    # Nobody has asked yet: nothing is late, and nothing is proved either.
    return Answer(passed=not (late or untold), counts=counts, notes=tuple(notes), unproven=not known)
