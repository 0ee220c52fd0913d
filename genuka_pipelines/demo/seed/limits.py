"""How old each kind of row may be in a fresh seeding, in days.

Every figure stays some days under the period that the policies promise, so that a seeding breaks no
clause at its `as_of` nor in the days after; a figure above its promise would make every demo red.
"""

from __future__ import annotations

SOFT_DELETED = 20  # purged after a declared delay, at least a month (GK-53)
BROWSER = 335  # twelve months (GK-35)
COOKIES = 150  # a choice about cookies is asked again after six months
SESSION_IDLE = 4  # seven days (GK-36)
SESSION_LIFE = 70  # three months (GK-36)
RECORDING = 22  # one month (GK-39)
APPLICATION = 640  # two years, the French regulator's ceiling under the promised three (GK-33)
DECISION = 560
LEFT = 200  # the legal period after a contract is counted in years (GK-34)
CLOSED = 18  # a closed account or an ended subscription
LAST_USED = 25  # four months for a dedicated database (GK-38)
TOKEN = 300  # a token lives one year
CONTACT = 150
EVENT = 150
SUBSCRIBER = 600
CHAT = 150
SUPPORT = 120
COMPANY = 1_000
PLATFORM_INVOICES = 24  # months; the law keeps them for ten years
