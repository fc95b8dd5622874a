"""How an error is told to people: one entry a code, with its HTTP status, whether
trying again can help, and what to do next in English and Turkish. docs/errors.md is
this table; a test compares them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emanet.errors import EmanetError, InvalidRequest, Refused
from emanet.reasons import REASONS

Language = str  # "en" or "tr"


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of error: title and what to do next, by language."""

    status: int
    retryable: bool
    title: dict[Language, str]
    detail: dict[Language, str]


def _problem(  # noqa: PLR0917 - columns of the table below
    status: int,
    title: str,
    detail: str,
    title_tr: str,
    detail_tr: str,
    retryable: bool = False,
) -> Problem:
    return Problem(
        status,
        retryable,
        {"en": title, "tr": title_tr},
        {"en": detail, "tr": detail_tr},
    )


PROBLEMS: dict[str, Problem] = {
    "not_json": _problem(
        400,
        "The body is not one JSON object",
        "Send one JSON object in UTF-8, each key once.",
        "Gövde tek bir JSON nesnesi değil",
        "UTF-8 ile tek bir JSON nesnesi gönderin; her anahtar bir kez geçsin.",
    ),
    "body_too_large": _problem(
        413,
        "The body is too large",
        "Send at most 16 KB.",
        "Gövde çok büyük",
        "En fazla 16 KB gönderin.",
    ),
    "invalid_request": _problem(
        422,
        "A field is wrong",
        "Correct the fields named in `errors` and send the request again.",
        "Bir alan hatalı",
        "`errors` içinde adı geçen alanları düzeltip isteği yeniden gönderin.",
    ),
    "quote_refused": _problem(
        422,
        "The instalment quote does not hold",
        "Ask `GET /api/instalments` again for this card; nothing was charged.",
        "Taksit teklifi geçerli değil",
        "Bu kart için `GET /api/instalments`'i yeniden çağırın; para çekilmedi.",
    ),
    "idempotency_key_reused": _problem(
        422,
        "This Idempotency-Key was used for another request",
        "Use a new key for a new request; repeat an old one unchanged.",
        "Bu Idempotency-Key başka bir istekte kullanıldı",
        "Yeni istek için yeni anahtar kullanın; eskisini değiştirmeden yineleyin.",
    ),
    "escrow_not_found": _problem(
        404,
        "There is no such escrow",
        "Check the id, and that it is yours.",
        "Böyle bir emanet yok",
        "Numarayı denetleyin; emanet size ait olmalı.",
    ),
    "callback_not_found": _problem(
        404,
        "No such callback waits",
        "Take its id from GET /api/operations/queue; another may have answered it.",
        "Bekleyen böyle bir bildirim yok",
        "Numarasını GET /api/operations/queue'dan alın; başkası yanıtlamış olabilir.",
    ),
    "plan_not_found": _problem(
        404,
        "There is no such plan",
        "Make a new plan: plans are kept for a month.",
        "Böyle bir plan yok",
        "Yeni bir plan çıkarın: planlar bir ay saklanır.",
    ),
    "card_not_found": _problem(
        404,
        "There is no such stored card",
        "Take its id from `GET /api/cards`; it may be deleted. Nothing was charged.",
        "Böyle bir kayıtlı kart yok",
        "Numarasını `GET /api/cards`'tan alın; silinmiş olabilir. Para çekilmedi.",
    ),
    "not_your_action": _problem(
        403,
        "Another party decides this",
        "See `allowed_actions` of the escrow for what you can do.",
        "Buna diğer taraf karar verir",
        "Yapabilecekleriniz için emanetin `allowed_actions` alanına bakın.",
    ),
    "not_allowed_now": _problem(
        409,
        "The escrow's state does not allow this now",
        "Read the escrow again: `status` and `allowed_actions` say what is possible.",
        "Emanetin durumu şu anda buna izin vermiyor",
        "Emaneti yeniden okuyun; `status` ile `allowed_actions` yol gösterir.",
    ),
    "order_exists": _problem(
        409,
        "This order is registered already, with other data",
        "Send the same data again, or use another order_id.",
        "Bu sipariş başka verilerle zaten kayıtlı",
        "Aynı verileri gönderin ya da başka bir order_id kullanın.",
    ),
    "previous_round_open": _problem(
        409,
        "The round before this one has not ended unpaid",
        "Use the escrow of the previous round.",
        "Önceki tur hâlâ açık ya da ödenmiş",
        "Önceki turun emanetini kullanın.",
    ),
    "attempt_starting": _problem(
        409,
        "A payment is being started right now",
        "Wait until Retry-After, then read the escrow.",
        "Şu anda bir ödeme başlatılıyor",
        "Retry-After kadar bekleyip emaneti okuyun.",
        retryable=True,
    ),
    "superseded": _problem(
        409,
        "A newer attempt to pay took this one's place",
        "Go on in the newer window, or start again.",
        "Bu denemenin yerini daha yeni bir ödeme denemesi aldı",
        "Yeni pencerede devam edin ya da yeniden başlayın.",
    ),
    "too_many_attempts": _problem(
        409,
        "This escrow has no attempts left",
        "Ask the shop to register the order again.",
        "Bu emanetin deneme hakkı kalmadı",
        "Mağazadan siparişi yeniden kaydetmesini isteyin.",
    ),
    "attempts_too_fast": _problem(
        429,
        "Too many attempts within a few minutes",
        "Wait until Retry-After.",
        "Birkaç dakika içinde çok fazla deneme yapıldı",
        "Retry-After kadar bekleyin.",
        retryable=True,
    ),
    "too_many_settlements": _problem(
        409,
        "The parties have moved this money too often",
        "Release or give up all that is available at once, or ask the marketplace.",
        "Taraflar bu parayı çok fazla kez hareket ettirdi",
        "Kullanılabilir tutarın tamamını bir kerede bırakın ya da iade edin; "
        "olmazsa pazaryerine başvurun.",
    ),
    "payment_refused": _problem(
        422,
        "PAYNET did not accept this card",
        "Check the card's data or use another card; nothing was charged.",
        "PAYNET bu kartı kabul etmedi",
        "Kart bilgilerini kontrol edin ya da başka kart kullanın; para çekilmedi.",
    ),
    "paynet_unreachable": _problem(
        503,
        "PAYNET does not answer",
        "Try again in a moment; nothing was charged.",
        "PAYNET yanıt vermiyor",
        "Biraz sonra yeniden deneyin; para çekilmedi.",
        retryable=True,
    ),
    "secret_unavailable": _problem(
        503,
        "The service is not ready",
        "Try again in a moment; operations must check the secret store.",
        "Hizmet hazır değil",
        "Biraz sonra yeniden deneyin; operasyon gizli anahtar deposunu denetlemeli.",
        retryable=True,
    ),
    "store_unavailable": _problem(
        503,
        "The books do not answer",
        "Send the same request again in a moment; it cannot happen twice.",
        "Kayıtlara ulaşılamıyor",
        "Aynı isteği biraz sonra yeniden gönderin; iki kez gerçekleşmez.",
        retryable=True,
    ),
    "callback_refused": _problem(
        401,
        "This callback did not pass the gate",
        "Sign it as docs/paynet.md says, and send it from a listed address.",
        "Bu bildirim kapıdan geçemedi",
        "docs/paynet.md'deki gibi imzalayın ve listedeki bir adresten gönderin.",
    ),
    "internal_error": _problem(
        500,
        "Something is broken on our side",
        "Read the escrow before you try again, and report the request_id.",
        "Bizim tarafımızda bir şey bozuldu",
        "Yeniden denemeden önce emaneti okuyun ve request_id'yi bildirin.",
    ),
}

# What is wrong with a field, by the word that `errors[].problem` carries.
FIELD_TEXTS: dict[str, dict[Language, str]] = {
    "missing": {"en": "is missing", "tr": "eksik"},
    "extra_forbidden": {"en": "is not known here", "tr": "burada tanımlı değil"},
    "int_type": {"en": "must be a whole number", "tr": "tam sayı olmalı"},
    "string_type": {"en": "must be text", "tr": "metin olmalı"},
    "greater_than": {"en": "is too small", "tr": "çok küçük"},
    "greater_than_equal": {"en": "is too small", "tr": "çok küçük"},
    "less_than_equal": {"en": "is too large", "tr": "çok büyük"},
    "currency": {"en": "must be TRY", "tr": "TRY olmalı"},
    "card_number": {"en": "is not valid", "tr": "geçerli değil"},
    "card_expired": {"en": "has passed", "tr": "geçmiş"},
    "four_digits": {"en": "must have four digits", "tr": "dört haneli olmalı"},
    "cvc": {"en": "must have 3 or 4 digits", "tr": "3 ya da 4 haneli olmalı"},
    "not_listed": {
        "en": "is not one of the allowed values",
        "tr": "izin verilen değerlerden biri değil",
    },
    "month": {"en": "must be a month such as 2026-11", "tr": "2026-11 gibi olmalı"},
    "doubled": {"en": "is there twice", "tr": "iki kez var"},
    "model_type": {"en": "must be an object", "tr": "bir nesne olmalı"},
    "string_pattern_mismatch": {
        "en": "has a length or characters that are not allowed",
        "tr": "uzunluğu ya da karakterleri uygun değil",
    },
    "not_less_than_amount": {
        "en": "must be less than the amount",
        "tr": "tutardan küçük olmalı",
    },
    "same_as_payer": {"en": "must not be the payer", "tr": "ödeyen kişi olamaz"},
    "no_previous_round": {"en": "has no round before it", "tr": "önceki tur yok"},
    "hold_limit_too_short": {
        "en": "has a hold limit shorter than shipping, claim and inspection together",
        "tr": "içindeki tutma süresi gönderim, bildirim ve inceleme toplamından kısa",
    },
    "altered": {"en": "was not signed by us", "tr": "tarafımızdan imzalanmamış"},
    "another_escrow": {"en": "is of another escrow", "tr": "başka bir emanete ait"},
    "another_card": {
        "en": "is for a card that begins with other digits",
        "tr": "başka rakamlarla başlayan bir kart için",
    },
    "quote_expired": {"en": "is older than 15 minutes", "tr": "15 dakikadan eski"},
    "amount_changed": {
        "en": "is of an amount that has changed since",
        "tr": "sonradan değişen bir tutara ait",
    },
    "too_many_digits": {
        "en": "may hold four digits at most: no card number",
        "tr": "en çok dört rakam içerebilir: kart numarası yazılmaz",
    },
    "six_digits": {
        "en": "must be the first six digits of the card",
        "tr": "kartın ilk altı hanesi olmalı",
    },
    "not_with_stored_card": {
        "en": "does not go with a stored card",
        "tr": "kayıtlı kartla birlikte gönderilemez",
    },
    "cards_not_stored": {
        "en": "is not offered: this deployment stores no cards",
        "tr": "sunulmuyor: bu kurulum kart saklamıyor",
    },
    "not_the_present_text": {
        "en": "is not the text in force: show it and ask again",
        "tr": "yürürlükteki metin değil: metni gösterip yeniden sorun",
    },
    "reused": {"en": "was used before", "tr": "daha önce kullanıldı"},
}
_OTHER = {"en": "has a wrong form", "tr": "biçimi yanlış"}


def language_of(accept_language: str | None) -> Language:
    """Turkish or English: whichever the header names first; English without one."""
    for part in (accept_language or "").lower().split(","):
        word = part.split(";")[0].strip()[:2]
        if word in ("tr", "en"):
            return word
    return "en"


def reason_text(word: str, language: Language) -> str:
    """What a guard's word means, for people; a word that is not known says nothing."""
    english, turkish = REASONS.get(word, ("", ""))
    return turkish if language == "tr" else english


def body(error: EmanetError, language: Language, request_id: str) -> dict[str, Any]:
    """The problem+json body (RFC 9457) of an error."""
    problem = PROBLEMS[error.code]
    told: dict[str, Any] = {
        "type": f"urn:emanet:problem:{error.code}",
        "title": problem.title[language],
        "status": problem.status,
        "detail": problem.detail[language],
        "code": error.code,
        "retryable": problem.retryable,
        "request_id": request_id,
    }
    if isinstance(error, InvalidRequest) and error.problems:
        told["errors"] = [
            {
                "field": wrong.field,
                "problem": wrong.problem,
                "text": FIELD_TEXTS.get(wrong.problem, _OTHER)[language],
            }
            for wrong in error.problems
        ]
    if isinstance(error, Refused):
        told["escrow"] = {
            "escrow_id": error.current.id,
            "status": error.current.status,
            "version": error.current.version,
        }
        if error.why:
            told["reason"] = error.why
            told["reason_text"] = reason_text(error.why, language)
    return told
