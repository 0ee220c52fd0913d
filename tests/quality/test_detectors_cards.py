"""Card numbers however they are written, and the numbers that only look like them."""

from __future__ import annotations

import random
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from genuka_pipelines.quality.detectors import detectors, find
from genuka_pipelines.quality.detectors.cards.issuers import ISSUERS, Issuer, luhn, speaks

NUMBER = detectors("card_number")
ALONE = [(issuer, length) for issuer in ISSUERS for length in sorted(issuer.alone)]
BESIDE = [(issuer, length) for issuer in ISSUERS for length in sorted(issuer.alone | issuer.beside)]
SCRIPTS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９", "०१२३४५६७८९"]
GAPS = [
    " ",
    "-",
    ".",
    "_",
    "\u00a0",
    "\u202f",
    "\u2009",
    "\u2011",
    "–",
    "  ",
    " - ",
    "&nbsp;",
    "&#160;",
    "\\u00a0",
    "%20",
]
AROUND = ["{}", "n° {}", "client {}, merci", '{{"note":"{}"}}', "carte_{}.pdf", "<b>{}</b>", "tel 699001122 carte {}"]


def found(text: str) -> bool:
    return bool(find([text], NUMBER))


@st.composite
def numbers(draw: st.DrawFn, kinds: list[tuple[Issuer, int]]) -> str:
    """A number of one of these issuers and lengths, with its check digit."""
    issuer, length = draw(st.sampled_from(kinds))
    low, high = draw(st.sampled_from(issuer.prefixes))
    prefix = str(draw(st.integers(int(low), int(high)))).zfill(len(low))
    body = prefix + draw(st.text("0123456789", min_size=length - 1 - len(prefix), max_size=length - 1 - len(prefix)))
    number = next(body + digit for digit in "0123456789" if luhn(body + digit))
    assume(len(set(number)) > 1)
    return number


def grouped(number: str, gap: str) -> str:
    sizes = {14: (4, 6, 4), 15: (4, 6, 5)}.get(len(number), (4, 4, 4, 4, 4))
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return gap.join(part for part in parts if part)


@given(numbers(ALONE), st.sampled_from(AROUND))
def test_a_number_in_one_run_is_found(number: str, around: str) -> None:
    assert found(around.format(number))


@given(numbers(ALONE), st.sampled_from(AROUND), st.sampled_from(GAPS))
def test_a_number_in_groups_is_found(number: str, around: str, gap: str) -> None:
    assume(len(number) in (14, 15, 16, 18, 19))
    assert found(around.format(grouped(number, gap)))


@given(numbers(BESIDE), st.sampled_from(["carte {}", "card: {}", "{} visa", '{{"card_number": {}}}', "CB {} svp"]))
def test_a_number_that_says_little_is_found_beside_a_word(number: str, words: str) -> None:
    assert found(words.format(number))


@given(numbers(ALONE), st.sampled_from(SCRIPTS), st.sampled_from(["", " "]))
def test_digits_of_any_script_are_read(number: str, script: str, gap: str) -> None:
    assume(not gap or len(number) in (14, 15, 16, 18, 19))
    assert found((grouped(number, gap) if gap else number).translate(str.maketrans("0123456789", script)))


@given(numbers(BESIDE), st.integers(1, 9), st.data())
def test_a_wrong_check_digit_is_no_card(number: str, more: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    assert not found(f"carte {wrong}")


@given(
    numbers(ALONE),
    st.sampled_from(["IMEI", "commande n°", "SIRET :", "EAN-13", "order", "suivi", '"id":', '"orderId": ']),
)
def test_a_number_announced_as_another_is_no_card(number: str, label: str) -> None:
    assert not found(f"{label} {number}")


@given(
    numbers(ALONE),
    st.sampled_from(["{} FCFA", "{} XAF", "{}.00", "{},5", "-{}", "solde: -{}", "x{}", "{}a8f5", "0.{}"]),
)
def test_amounts_and_parts_of_words_are_no_cards(number: str, written: str) -> None:
    assert not found(written.format(number))


@given(numbers(ALONE))
def test_a_masked_number_is_no_card(number: str) -> None:
    assert not found(f"carte {number[:6]}{'*' * (len(number) - 10)}{number[-4:]}")
    assert not found(f"Visa **** **** **** {number[-4:]}")


@pytest.mark.parametrize("text", ["4444444444444444", "0000 0000 0000 0000", "5555 5555 5555 5555"])
def test_one_digit_repeated_is_no_card(text: str) -> None:
    assert not found(f"carte {text}")


def test_numbers_that_a_shop_is_full_of_are_no_cards(rounds: int, seed: int) -> None:
    chance = random.Random(seed)

    def digits(count: int) -> str:
        return "".join(chance.choice("0123456789") for _ in range(count))

    texts = [
        text
        for _ in range(rounds * 40)
        for text in (
            f"+237 6{digits(2)} {digits(2)} {digits(2)} {digits(2)}",
            f"6{digits(8)} / 6{digits(8)}",
            f"00237{digits(9)}",
            str(uuid.UUID(int=chance.getrandbits(128))),
            "-".join(digits(size) for size in (8, 4, 4, 4, 12)),
            "01" + "".join(chance.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(24)),
            f"{chance.getrandbits(256):064x}",
            f"CM21 {' '.join(digits(4) for _ in range(5))} {digits(3)}",
            f"FR76{digits(23)}",
            f"20{digits(2)}-0{chance.randrange(1, 10)}-1{digits(1)}T12:{digits(2)}:{digits(2)}.{digits(6)}Z",
            f"17{digits(11)}",
            f"EAN {digits(13)}",
            f"{digits(13)}",
            f"{digits(14)}",
            f"#ORDER_{digits(4)}",
            f"{chance.randrange(1, 999)} {digits(3)} {digits(3)} FCFA",
        )
    ]
    assert [texts[one.row] for one in find(texts, detectors("cards"))] == []


@pytest.mark.parametrize(
    ("digits", "says"),
    [
        ("4242424242424242", True),
        ("5555555555554444", True),
        ("2720990000000007", True),
        ("2721000000000008", None),
        ("378282246310005", True),
        ("30569309025904", False),
        ("4222222222222", False),
        ("4242424242424241", None),
        ("", None),
        ("4" * 40, None),
    ],
)
def test_ranges_and_lengths(digits: str, says: bool | None) -> None:
    assert speaks(digits) is says


def test_prefixes_of_a_range_are_of_one_length() -> None:
    for issuer in ISSUERS:
        assert all(len(low) == len(high) and low <= high for low, high in issuer.prefixes), issuer.name
        assert issuer.alone.isdisjoint(issuer.beside), issuer.name


_RANDOM_IDS = [
    "9HDXWQXTEE3X7CVV692E6P3912",
    "hd7r54cvv021s5brgwq9c3bwm4",
    "01J9CID123ABCVV456XY",
    "media/0a9cvc2123e1f/x.png",
]


def test_a_word_inside_an_identifier_announces_no_code(rounds: int, seed: int) -> None:
    drawn = random.Random(seed)
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    made = [
        "".join(drawn.choices(letters, k=5)) + "CVV" + "".join(drawn.choices(letters, k=18)) for _ in range(40 * rounds)
    ]
    assert not list(find([*_RANDOM_IDS, *made], detectors("cards")))
