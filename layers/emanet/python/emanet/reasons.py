"""Why something cannot happen now, told to people: one line a word, English and
Turkish. The words are those of the machine's guards; docs/errors.md is this table, and
a test fails for a word that is missing."""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    "wrong_status": (
        "Not in this status.",
        "Bu durumda yapılamaz.",
    ),
    # ── paying ──
    "another_session": (
        "Another session of the bank's page came back first.",
        "Banka sayfasının başka bir oturumu daha önce geri döndü.",
    ),
    "hosted_form": (
        "Here PAYNET's own form takes the card, in one payment.",
        "Burada kartı PAYNET'in kendi formu alır; tek çekim yapılır.",
    ),
    "policy": (
        "The seller takes a single payment only.",
        "Satıcı yalnızca tek çekim kabul ediyor.",
    ),
    "paynet_unreachable": (
        "PAYNET does not tell instalments just now; a single payment is possible.",
        "PAYNET şu anda taksitleri bildirmiyor; tek çekim yapılabilir.",
    ),
    "attempt_starting": (
        "A payment is being started right now.",
        "Şu anda bir ödeme başlatılıyor.",
    ),
    "too_many_attempts": (
        "There are no attempts left.",
        "Deneme hakkı kalmadı.",
    ),
    "attempts_too_fast": (
        "Too many attempts within a few minutes; wait a little.",
        "Birkaç dakikada çok fazla deneme yapıldı; biraz bekleyin.",
    ),
    "pay_by_over": (
        "The time to pay is over.",
        "Ödeme süresi doldu.",
    ),
    "pay_by_not_over": (
        "The time to pay is not over yet.",
        "Ödeme süresi henüz dolmadı.",
    ),
    "session_over": (
        "The bank's session is over; start again.",
        "Banka oturumu sona erdi; yeniden başlayın.",
    ),
    "session_open": (
        "The bank's session is still open.",
        "Banka oturumu hâlâ açık.",
    ),
    "charge_under_way": (
        "A charge is on its way; its answer is awaited.",
        "Bir çekim sürüyor; yanıtı bekleniyor.",
    ),
    "takeovers_used_up": (
        "The charge was repeated often enough; PAYNET is being asked.",
        "Çekim yeterince yinelendi; PAYNET'e soruluyor.",
    ),
    "quiet_window_open": (
        "Not found yet; it counts as unpaid only after 15 minutes.",
        "Henüz bulunamadı; 15 dakika dolmadan ödenmemiş sayılmaz.",
    ),
    # ── holding ──
    "already_shipped": (
        "It is shipped already; ask for a refund or open a dispute.",
        "Zaten gönderildi; iade isteyin ya da itiraz açın.",
    ),
    "already_delivered": (
        "It is delivered already.",
        "Zaten teslim edildi.",
    ),
    "nothing_available": (
        "All that is held is reserved by a release or refund under way.",
        "Tutulan paranın tamamı süren bir bırakma ya da iade için ayrıldı.",
    ),
    "not_positive": (
        "The amount must be more than zero.",
        "Tutar sıfırdan büyük olmalı.",
    ),
    "more_than_available": (
        "That is more than is available; read the escrow again.",
        "Kullanılabilir tutardan fazla; emaneti yeniden okuyun.",
    ),
    "no_deadline_over": (
        "No deadline has passed.",
        "Süresi dolmuş bir aşama yok.",
    ),
    "policy_says_review": (
        "This escrow's policy leads to review here.",
        "Bu emanetin kuralları burada incelemeye yönlendirir.",
    ),
    # ── money out ──
    "paynet_escrow": (
        "PAYNET's own escrow holds this money.",
        "Bu parayı PAYNET'in kendi emaneti tutuyor.",
    ),
    "no_paynet_escrow": (
        "PAYNET's own escrow does not hold this money.",
        "Bu parayı PAYNET'in kendi emaneti tutmuyor.",
    ),
    "paynet_escrow_whole_only": (
        "PAYNET's own escrow pays out all of it or nothing.",
        "PAYNET'in kendi emaneti paranın ya tamamını öder ya da hiçbirini ödemez.",
    ),
    "money_gone": (
        "PAYNET says that this payment was reversed: operations decide.",
        "PAYNET bu ödemenin geri alındığını söylüyor: operasyon karar verir.",
    ),
    "version_differs": (
        "It changed since you looked: read it again, then decide.",
        "Siz baktıktan sonra değişti: yeniden okuyup karar verin.",
    ),
    "nothing_due": (
        "Nothing is due yet.",
        "Zamanı gelmiş bir işlem yok.",
    ),
    "nothing_scheduled": (
        "Nothing is scheduled that could be withdrawn.",
        "Geri alınabilecek planlanmış bir işlem yok.",
    ),
    "not_scheduled": (
        "This settlement is not scheduled any more.",
        "Bu işlem artık planlanmış değil.",
    ),
    "nothing_sent": (
        "No order to PAYNET is on its way.",
        "PAYNET'e gönderilmiş bir işlem yok.",
    ),
    "no_such_settlement": (
        "There is no such settlement; take its key from `settlements`.",
        "Böyle bir işlem yok; anahtarı `settlements` alanından alın.",
    ),
    "no_surplus_refund": (
        "No surplus capture is waiting for its refund.",
        "İadesi beklenen fazladan bir çekim yok.",
    ),
    "not_answerable": (
        "This refund is neither denied nor unknown.",
        "Bu iade ne reddedildi ne de belirsiz.",
    ),
    # ── disputes ──
    "not_shipped": (
        "Nothing is shipped yet; you can still cancel.",
        "Henüz gönderilmedi; iptal edebilirsiniz.",
    ),
    "inspection_over": (
        "The time to inspect is over.",
        "İnceleme süresi doldu.",
    ),
    "too_many_disputes": (
        "This escrow was disputed too often.",
        "Bu emanete çok fazla itiraz edildi.",
    ),
    "decision_under_way": (
        "An earlier decision is still being carried out.",
        "Önceki bir karar hâlâ uygulanıyor.",
    ),
    "nothing_held": (
        "Nothing is held any more.",
        "Tutulan para kalmadı.",
    ),
    "dispute_not_overdue": (
        "The dispute is not overdue.",
        "İtirazın süresi dolmadı.",
    ),
    "legs_do_not_sum": (
        "Release and refund must sum to exactly what is held.",
        "Satıcıya bırakılan ile iade edilen, tam olarak tutulan tutarı vermeli.",
    ),
    # ── review ──
    "another_prior_status": (
        "It came into review from another status.",
        "İncelemeye başka bir durumdan geldi.",
    ),
    "chargeback_open": (
        "The chargeback must be won or lost first.",
        "Önce ters ibraz kazanılmalı ya da kaybedilmeli.",
    ),
    "deadline_over": (
        "A deadline is over: release, refund or split instead.",
        "Bir süre doldu: satıcıya bırakın, iade edin ya da paylaştırın.",
    ),
    "hold_limit_over": (
        "The hold limit is over: release, refund or split instead.",
        "Tutma süresi doldu: satıcıya bırakın, iade edin ya da paylaştırın.",
    ),
    "settlement_unknown": (
        "First confirm or deny the unknown settlement, with evidence.",
        "Önce belirsiz işlemi kanıtla doğrulayın ya da reddedin.",
    ),
    "no_settlement_unknown": (
        "No settlement is unknown.",
        "Belirsiz bir işlem yok.",
    ),
    "capture_waiting": (
        "A late capture waits: fund with it instead.",
        "Geç gelen bir çekim bekliyor: emaneti onunla karşılayın.",
    ),
    "no_capture_waiting": (
        "No late capture waits.",
        "Bekleyen geç bir çekim yok.",
    ),
    "already_paid": (
        "The money is here already.",
        "Para zaten geldi.",
    ),
    "not_paid": (
        "Nothing was paid.",
        "Ödeme yapılmadı.",
    ),
    "dispute_open": (
        "A dispute is unresolved: go back to it first.",
        "Çözülmemiş bir itiraz var: önce ona dönün.",
    ),
    "no_mismatch": (
        "There is no such mismatched capture.",
        "Böyle uyumsuz bir çekim yok.",
    ),
    "mismatch_undecided": (
        "First accept or refund the mismatched capture.",
        "Önce uyumsuz çekimi kabul ya da iade edin.",
    ),
    "name_one_capture": (
        "There are several: name one by its xact_id.",
        "Birden fazla var: birini xact_id ile belirtin.",
    ),
    "not_acceptable": (
        "This capture was reversed, or its amount is not known.",
        "Bu çekim geri alınmış ya da tutarı bilinmiyor.",
    ),
    "fee_exceeds_amount": (
        "The fee would not be less than the captured sum: refund it.",
        "Komisyon, çekilen tutardan küçük olmazdı: iade edin.",
    ),
    "no_flag": (
        "No flag of it can be taken off: there is none, or it is still open.",
        "Kaldırılabilecek bir işareti yok: ya işareti yok ya da konu hâlâ açık.",
    ),
    "decide_the_review": (
        "It is frozen: decide it by one of the ways out of review.",
        "Donduruldu: inceleme çıkışlarından biriyle karar verin.",
    ),
    # ── chargebacks ──
    "chargeback_known": (
        "This chargeback is known already.",
        "Bu ters ibraz zaten biliniyor.",
    ),
    "no_chargeback_open": (
        "No chargeback is open.",
        "Açık bir ters ibraz yok.",
    ),
    "frozen_for_another_reason": (
        "Something else froze it.",
        "Başka bir nedenle donduruldu.",
    ),
    "thaw_it": (
        "Winning it gives the escrow back.",
        "Kazanılması emaneti çözer.",
    ),
    "only_all_is_left": (
        "The last settlement must be over all that is available.",
        "Son işlem kullanılabilir tutarın tamamı için olmalı.",
    ),
}
