"""The cards that the simulator knows: PAYNET's published ones, which pay, and our own,
each of which makes one thing go wrong.

| our card | what happens |
| --- | --- |
| 4000000000000010 | declined by the bank |
| 4000000000000028 | declined: insufficient funds |
| 4000000000000036 | the bank refuses 3-D Secure whatever the password |
| 4000000000000044 | charged, the first answer is lost; a repeat is answered |
| 4000000000000051 | charged, every answer of tds_charge is lost |
| 4000000000000069 | not charged, every answer of tds_charge is lost |
| 4000000000000077 | first call lost before the charge; a repeat charges |
| 4000000000000085 | charged, answered late (`slow_s`, 5 s) |
| 4000000000000093 | not charged, HTTP 500 |
| 4000000000000101 | charged, the first answer is HTTP 500; a repeat is answered |
| 4000000000000119 | charged, every answer is HTTP 500 |
| 4000000000000127 | charged 1,00 lira more than asked |
| 4000000000000135 | charged, tds_charge answers without `reference_no` |
| 4000000000000143 | charged, tds_charge answers without `amount` |
| 4000000000000150 | charged, tds_charge answers without `is_succeed` |
| 4000000000000168 | charged, a repeat is answered with code 0 instead of 100 |

Any other number that passes the Luhn check pays, with password `a`. A card's number is
looked up here and kept nowhere.
"""

from dataclasses import dataclass

from local.paynet_simulator.faults import Fault, Kind

EVERY_CALL = None
BIN_DIGITS = 6


@dataclass(frozen=True)
class Decline:
    bank_code: str
    turkish: str
    english: str


@dataclass(frozen=True)
class Card:
    """How a card behaves. `fault` strikes the first `fault.times` calls of tds_charge
    for one session."""

    what: str
    password: str = "a"  # noqa: S105 - published in the documentation for test cards
    refuses_3d: bool = False
    decline: Decline | None = None
    books_extra_minor: int = 0
    repeat_code: int = 100
    fault: Fault | None = None

    def fault_at(self, call: int) -> Fault | None:
        """What strikes the `call`-th tds_charge of a session, counted from 1."""
        if self.fault is None:
            return None
        struck = self.fault.times is EVERY_CALL or call <= self.fault.times
        return self.fault if struck else None


def _before(kind: Kind, times: int | None) -> Fault:
    return Fault(kind=kind, when="before", times=times)


def _after(kind: Kind, times: int | None, without: tuple[str, ...] = ()) -> Fault:
    return Fault(kind=kind, when="after", times=times, without=list(without))


def _without(*fields: str) -> Fault:
    return _after("rewrite", EVERY_CALL, fields)


OURS = {
    "4000000000000010": Card(
        "declined by the bank",
        decline=Decline("05", "İşlem onaylanmadı", "Do not honour"),
    ),
    "4000000000000028": Card(
        "declined: insufficient funds",
        decline=Decline("51", "Yetersiz bakiye", "Insufficient funds"),
    ),
    "4000000000000036": Card(
        "the bank refuses 3-D Secure whatever the password", refuses_3d=True
    ),
    "4000000000000044": Card(
        "charged, the first answer is lost; a repeat is answered",
        fault=_after("close", 1),
    ),
    "4000000000000051": Card(
        "charged, every answer of tds_charge is lost",
        fault=_after("close", EVERY_CALL),
    ),
    "4000000000000069": Card(
        "not charged, every answer of tds_charge is lost",
        fault=_before("close", EVERY_CALL),
    ),
    "4000000000000077": Card(
        "first call lost before the charge; a repeat charges",
        fault=_before("close", 1),
    ),
    "4000000000000085": Card(
        "charged, answered late (`slow_s`, 5 s)", fault=_after("slow", EVERY_CALL)
    ),
    "4000000000000093": Card(
        "not charged, HTTP 500", fault=_before("status", EVERY_CALL)
    ),
    "4000000000000101": Card(
        "charged, the first answer is HTTP 500; a repeat is answered",
        fault=_after("status", 1),
    ),
    "4000000000000119": Card(
        "charged, every answer is HTTP 500", fault=_after("status", EVERY_CALL)
    ),
    "4000000000000127": Card(
        "charged 1,00 lira more than asked", books_extra_minor=100
    ),
    "4000000000000135": Card(
        "charged, tds_charge answers without `reference_no`",
        fault=_without("reference_no", "agent_reference_no"),
    ),
    "4000000000000143": Card(
        "charged, tds_charge answers without `amount`", fault=_without("amount")
    ),
    "4000000000000150": Card(
        "charged, tds_charge answers without `is_succeed`",
        fault=_without("is_succeed"),
    ),
    "4000000000000168": Card(
        "charged, a repeat is answered with code 0 instead of 100", repeat_code=0
    ),
}

# Why a stored card that was deleted meanwhile does not pay.
DELETED = Decline("14", "Kart bulunamadı", "Invalid card number")

# Published number -> 3-D password; "a" where the documentation's table has none.
PUBLISHED = dict.fromkeys(
    (
        "4355084355084358",
        "5571135571135575",
        "4546711234567890",
        "5401341234567891",
        "4022774022774026",
        "5456165456165454",
        "4508034508034509",
        "5406675406675403",
        "4531444531442283",
        "5818775818772285",
        "5188960000043719",
        "4033602562020320",
        "5423740618115066",
        "5549600797792010",
        "5549608789641500",
        "4446760701569538",
        "9792075482365454",
        "6587619825149656",
    ),
    "a",
) | {
    "4090700090840050": "123",
    "4506344103118942": "34020",
    "4506347023253988": "34020",
    "4506347028991897": "34020",
    "4506347026523718": "34020",
    "5400617004770430": "34020",
    "5400617020092306": "34020",
    "5400617030400291": "34020",
    "4119790155203496": "123456",
    "5188961939192544": "123456",
}


def known(number: str) -> Card | None:
    """The card of that number, or None for one that no bank could have issued."""
    if number in PUBLISHED:
        # Four published numbers fail the Luhn check; they are accepted all the same.
        return Card("published by PAYNET", password=PUBLISHED[number])
    return OURS.get(number) or (Card("pays") if _passes_luhn(number) else None)


def masked(number: str) -> str:
    return number[:BIN_DIGITS] + "*" * (len(number) - 10) + number[-4:]


def _passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
