"""Deleting at PostHog over real HTTP: what is done, what is tried again, and what is never taken for done."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.rows.content import Failure
from genuka_pipelines.rows.contents_at_posthog import RecordingsAtPostHog
from genuka_pipelines.systems.http.address import address
from genuka_pipelines.systems.http.connection import Connection
from genuka_pipelines.systems.posthog.errors import Forbidden, KeyUnusable, OutOfTime, PostHogError
from genuka_pipelines.systems.posthog.key import read_key
from genuka_pipelines.systems.posthog.pace import Pace
from genuka_pipelines.systems.posthog.recordings import Manners, Recordings, open_recordings
from tests.systems.posthog.stand_in import KEY, PROJECT, Fault, PostHog, posthog

BROKEN = Fault(500)
ID = "019a-person-of-interest"


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def there() -> Iterator[PostHog]:
    with posthog() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


def contents(
    there: PostHog, folder: Path, clock: Clock, project: str = PROJECT, **manners: float
) -> RecordingsAtPostHog:
    key = there.key_file(folder)
    pace = Pace(10**6, 10**6, clock=clock, sleep=clock.sleep)
    kept = Manners(**manners)  # type: ignore[arg-type]
    return RecordingsAtPostHog(Recordings(Connection(address(there.url), lambda: read_key(key)), project, pace, kept))


def only(answers: dict[str, Failure | None]) -> Failure:
    (answer,) = set(answers.values())
    assert answer is not None
    return answer


def test_thousands_are_deleted_one_at_a_time_and_stay_gone(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    mine, others = [f"rec-{n}" for n in range(2000)], {f"other-{n}" for n in range(50)}
    there.recordings |= {*mine, *others}
    here = contents(there, tmp_path, clock)
    began = time.monotonic()
    assert set(here.destroy([*mine, *mine[:10], ""]).items()) == {(key, None) for key in [*mine, ""]}
    assert time.monotonic() - began < 10
    assert there.recordings == others
    assert there.count("DELETE", 204) == there.count("DELETE") == 2000
    assert here.remaining([mine[0], "other-1", ""]) == {mine[0]: False, "other-1": True, "": False}
    assert here.destroy([]) == {}


@pytest.mark.parametrize("unknown", [204, 404, 410, 500])
def test_what_is_not_there_is_gone_whatever_posthog_answers(
    there: PostHog, tmp_path: Path, clock: Clock, unknown: int
) -> None:
    there.unknown = unknown
    assert contents(there, tmp_path, clock).destroy(["a", "b"]) == {"a": None, "b": None}
    assert there.count("GET") == {204: 0, 404: 1, 410: 1, 500: 3}[unknown]  # the project is looked at once


def test_a_project_that_is_not_ours_makes_nothing_gone(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    there.recordings.add(ID)
    answer = only(contents(there, tmp_path, clock, project="1").destroy([ID]))
    assert answer.reason == "refused"
    assert "GENUKA_POSTHOG_PROJECT" in answer.says
    assert contents(there, tmp_path, clock, project="1").remaining([ID]) == {ID: None}


@pytest.mark.parametrize("body", [b"<html>not found</html>", b"[]", b'{"detail": "hello"}', b""])
def test_another_server_makes_nothing_gone(there: PostHog, tmp_path: Path, clock: Clock, body: bytes) -> None:
    there.lasting = {ID: Fault(404, body=body), "list": Fault(200, body=body)}
    answer = only(contents(there, tmp_path, clock).destroy([ID]))
    assert (answer.reason, "not PostHog's list" in answer.says) == ("refused", True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, body=b'{"detail": "Request was throttled. Expected available in 37 seconds."}'),
        Fault(429, {"Retry-After": "37"}),
        Fault(503, {"Retry-After": "37"}),
    ],
)
def test_a_wait_that_is_asked_for_is_kept_by_every_thread(
    there: PostHog, tmp_path: Path, clock: Clock, fault: Fault
) -> None:
    there.recordings |= {"a", "b"}
    there.faults[""] = [fault]
    assert contents(there, tmp_path, clock).destroy(["a", "b"]) == {"a": None, "b": None}
    assert sum(clock.slept) >= 37
    assert there.recordings == set()


def test_a_wait_longer_than_our_time_is_not_waited_for(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    there.recordings.add(ID)
    there.lasting[""] = Fault(429, body=b"Expected available in 3000 seconds.")
    keys = [ID, *(f"r{n}" for n in range(500))]
    answers = contents(there, tmp_path, clock, patience=600).destroy(keys)
    assert {answer.reason for answer in answers.values() if answer} == {"out_of_time"}
    assert None not in answers.values()
    assert clock.slept == []
    assert len(there.asked) <= 8
    assert there.recordings == {ID}


def test_real_throttling_is_borne_to_the_end(there: PostHog, tmp_path: Path) -> None:
    there.throttle = (40, 1.0)
    there.recordings |= {f"r{n}" for n in range(60)}
    opened = open_recordings(there.url, PROJECT, there.key_file(tmp_path), per_minute=10**6, per_hour=10**6)
    assert set(RecordingsAtPostHog(opened).destroy(sorted(there.recordings)).values()) == {None}
    assert there.recordings == set()
    assert 0 < there.count("DELETE", 429) <= 16
    opened.close()


@pytest.mark.parametrize("fault", [BROKEN, Fault(503), Fault(408), Fault(drop="before"), Fault(drop="after")])
def test_what_fails_for_a_while_is_tried_again_with_growing_waits(
    there: PostHog, tmp_path: Path, clock: Clock, fault: Fault
) -> None:
    there.recordings.add(ID)
    there.faults[ID] = [fault] * 4
    assert contents(there, tmp_path, clock).destroy([ID]) == {ID: None}
    assert there.recordings == set()
    assert [0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(clock.slept)] == [True] * 4


@pytest.mark.parametrize(
    ("of_delete", "of_get", "reason"),
    [(BROKEN, None, "still_there"), (BROKEN, BROKEN, "unreachable"), (BROKEN, Fault(404), None)],
)
def test_what_fails_for_good_is_asked_after(
    there: PostHog, tmp_path: Path, clock: Clock, of_delete: Fault, of_get: Fault | None, reason: str | None
) -> None:
    there.recordings.add(ID)
    there.faults[ID] = [of_delete] * 5 + ([of_get] * 5 if of_get else [])
    answer = contents(there, tmp_path, clock).destroy([ID])[ID]
    assert (answer and answer.reason) == reason
    assert there.recordings == {ID}


def test_an_outage_costs_a_few_tries_and_not_one_for_each_key(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    there.lasting[""] = Fault(drop="before")
    keys = [f"r{n}" for n in range(3000)]
    answers = contents(there, tmp_path, clock).destroy(keys)
    assert {answer.reason for answer in answers.values() if answer} == {"unreachable"}
    assert len([answer for answer in answers.values() if answer]) == 3000
    assert len(there.asked) <= 2 * 5 * (5 + 8)


def test_nobody_at_home(tmp_path: Path, clock: Clock) -> None:
    with posthog() as gone:
        here = contents(gone, tmp_path, clock)
    assert only(here.destroy([ID])).reason == "unreachable"
    assert here.remaining([ID]) == {ID: None}


def test_a_slow_answer_is_not_waited_for_for_ever(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    there.recordings.add(ID)
    there.faults[ID] = [Fault(late=0.5)]
    assert contents(there, tmp_path, clock, answer_within=0.1).destroy([ID]) == {ID: None}
    assert there.count("DELETE") >= 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(there: PostHog, tmp_path: Path, clock: Clock, status: int) -> None:
    with posthog(recordings={ID}) as other:
        there.lasting[""] = Fault(status, {"Location": f"{other.url}/api/projects/{PROJECT}/session_recordings/{ID}/"})
        answer = only(contents(there, tmp_path, clock).destroy([ID]))
        assert (answer.reason, "not followed" in answer.says) == ("refused", True)
        assert other.asked == []
        assert other.recordings == {ID}


def test_a_key_without_the_scope_is_one_sentence(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    there.recordings.add(ID)
    there.scopes = {"session_recording:read"}
    answer = only(contents(there, tmp_path, clock).destroy([ID, *(f"r{n}" for n in range(1000))]))
    assert (answer.reason, "session_recording:write" in answer.says) == ("refused", True)
    assert len(there.asked) <= 5 + 8
    there.scopes = {"session_recording:write"}
    there.unknown = 404
    assert contents(there, tmp_path, clock).destroy([ID, "x"])[ID] is None
    assert "session_recording:read" in only(contents(there, tmp_path, clock).destroy(["x"])).says


def test_one_recording_that_is_forbidden_does_not_stop_the_others(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    there.recordings |= {f"r{n}" for n in range(100)}
    there.lasting["r0"] = Fault(403)
    answers = contents(there, tmp_path, clock).destroy([f"r{n}" for n in range(100)])
    assert [key for key, answer in answers.items() if answer] == ["r0"]
    assert there.recordings == {"r0"}


def test_a_key_is_read_anew_for_each_request(there: PostHog, tmp_path: Path, clock: Clock) -> None:
    there.recordings |= {"a", "b"}
    here = contents(there, tmp_path, clock)
    there.key_file(tmp_path).write_text("phx_an-old-and-revoked-one")
    answer = only(here.destroy(["a"]))
    assert (answer.reason, "does not know the key" in answer.says) == ("refused", True)
    there.key_file(tmp_path)
    assert here.destroy(["a", "b"]) == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("written", "mode", "says"),
    [
        (None, 0o600, "cannot be read"),
        ("", 0o600, "does not hold one key"),
        ("phx_one\nphx_two-and-more", 0o600, "does not hold one key"),
        ("phx_ünïcode-key", 0o600, "does not hold one key"),
        ("phc_the-key-of-the-browser", 0o600, "begins with phx_"),
        (KEY, 0o644, "make it 0400 or 0440"),
    ],
)
def test_a_bad_key_file_is_one_sentence_that_does_not_show_it(
    tmp_path: Path, written: str | None, mode: int, says: str
) -> None:
    file = tmp_path / "key"
    if written is not None:
        file.write_text(written)
        file.chmod(mode)
    with pytest.raises(KeyUnusable, match=re.escape(says)) as caught:
        read_key(file)
    assert not written or written not in str(caught.value)
    with pytest.raises(KeyUnusable, match="is not a file"):
        read_key(tmp_path)


@pytest.mark.parametrize("key", ["..", ".", "a/b", "a?b", "a b", "é", "%2e%2e", "x" * 201, "a\nb", " "])
def test_what_is_no_id_is_never_sent(there: PostHog, tmp_path: Path, clock: Clock, key: str) -> None:
    there.recordings |= {"a", "b"}
    here = contents(there, tmp_path, clock)
    assert only(here.destroy([key])).reason == "unfit_key"
    assert here.remaining([key]) == {key: None}
    assert there.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://posthog.example",
        "http://127.posthog.example",
        "ftp://127.0.0.1",
        "https://",
        "posthog.example",
        "https://u:p@h",
        "https://h:x",
        "https://h?a",
    ],
)
def test_an_address_that_may_not_have_the_key_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match="PostHog's address"):
        open_recordings(url, PROJECT, tmp_path / "key")


def test_addresses() -> None:
    assert address("https://EU.posthog.example:8443/deep/").origin == "https://eu.posthog.example:8443"
    assert address("https://eu.posthog.example/deep/").path == "/deep"
    assert address("http://[::1]:80").origin == "http://[::1]:80"
    assert address("http://localhost").host == "localhost"


def test_no_proxy_of_the_environment_sees_anything(
    there: PostHog, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with posthog() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert contents(there, tmp_path, clock).destroy([ID]) == {ID: None}
        assert proxy.asked == []


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, clock: Clock) -> None:
    with posthog(self_signed(tmp_path), recordings={ID}) as there:
        assert only(contents(there, tmp_path, clock).destroy([ID])).reason == "unreachable"
        assert there.asked == []


def test_neither_ids_nor_keys_reach_a_log_or_a_sentence(
    there: PostHog, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    there.recordings.add(ID)
    there.faults[ID] = [
        Fault(429),
        Fault(drop="before"),
        Fault(500, {"Bad header\x0b": "x"}, body=ID.encode()),
        *[BROKEN] * 5,
    ]
    with caplog.at_level(logging.DEBUG):
        answer = contents(there, tmp_path, clock, answer_within=0.1).destroy([ID])[ID]
        there.lasting[""] = Fault(401, body=f"{ID} {KEY}".encode())
        refused = only(contents(there, tmp_path, clock).destroy([ID]))
    told = [record.getMessage() for record in caplog.records]
    for text in (*told, str(answer), str(refused)):
        assert ID not in text
        assert KEY not in text


def test_check_says_whether_it_will_do(there: PostHog, tmp_path: Path) -> None:
    key = there.key_file(tmp_path)
    open_recordings(there.url, PROJECT, key).check()
    for url, project in ((there.url, "1"), (there.url + "/deeper", PROJECT)):
        with pytest.raises(Forbidden, match="GENUKA_POSTHOG_PROJECT"):
            open_recordings(url, project, key).check()
    key.write_text("phx_unknown-key")
    with pytest.raises(PostHogError, match="does not know the key"):
        open_recordings(there.url, PROJECT, key).check()


moments = st.sampled_from([0.0, 0.0, 0.5, 20.0, 61.0])
holds = st.sampled_from([0.0, 0.0, 0.0, 7.0, 4000.0])


@given(st.integers(1, 6), st.integers(1, 12), st.lists(st.tuples(moments, holds), min_size=8, max_size=40))
def test_no_window_ever_holds_more_than_its_share(minute: int, hour: int, steps: list[tuple[float, float]]) -> None:
    clock, turns = Clock(), list[float]()
    pace = Pace(minute, hour, clock=clock, sleep=clock.sleep)
    for passed, hold in steps:
        clock.now += passed
        pace.hold(hold)
        earliest = clock.now + hold
        pace.turn(clock.now + 10**9)
        assert clock.now >= earliest
        turns.append(clock.now)
    for most, length in ((minute, 60.0), (hour, 3600.0)):
        for first, beyond in zip(turns, turns[most:], strict=False):
            assert beyond - first >= length - 1e-6


def test_who_already_waits_waits_for_the_longer_of_two() -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 1:
            pace.hold(100)  # another thread was told to wait while we slept

    pace = Pace(1, 10, clock=clock, sleep=sleep)
    pace.turn(clock.now)
    pace.turn(clock.now + 1000)
    assert clock.slept == [60, 100]


def test_a_turn_after_the_deadline_is_refused_at_once() -> None:
    clock = Clock()
    pace = Pace(2, 3, clock=clock, sleep=clock.sleep)
    for _ in range(2):
        pace.turn(clock.now)
    with pytest.raises(OutOfTime):
        pace.turn(clock.now + 59)
    assert clock.slept == []
    pace.turn(clock.now + 60)
    with pytest.raises(OutOfTime):
        pace.turn(clock.now + 3000)
    assert not pace.pause(10, clock.now + 9)
    assert pace.pause(9, clock.now + 9)


def self_signed(folder: Path) -> Path:
    """A certificate for this machine that no authority signed, with its key."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return file
