// Every word of the page in both languages. Nothing here is ever read as HTML.
export const words = {
  tr: {
    demo: "demo mağaza", buyer: "Alıcı", seller: "Satıcı", operations: "Operasyon",
    notice: "Bu bir denemedir: gerçek kart kullanmayın. Kart bilgileri yalnızca Emanet API’sine gider, bu mağazanın sunucusuna değil.",
    noticeHosted: "Bu bir denemedir: gerçek kart kullanmayın. Kart bilgileri PAYNET’in formundan yalnızca PAYNET’e gider; ne Emanet’e ne bu mağazaya.",
    productName: "El dokuma kilim", productText: "Uşak, yün, 120 × 180 cm. Paranız, kilim elinize ulaşıp onaylayana dek emanette durur.",
    buy: "Satın al", order: "Sipariş", payTitle: "Kartla öde", testCard: "Deneme kartı", holder: "Kart üzerindeki ad",
    number: "Kart numarası", month: "Ay", year: "Yıl", cvc: "CVC", prefer: "Banka sayfası", preferRedirect: "Yönlendirme ile", preferHtml: "HTML içerik ile",
    pay: "3-D Secure ile öde", cardNote: "Bu sayfa kart bilgilerini saklamaz.", allAvailable: "boş: kalanın tamamı", noAmount: "Tutarı 300 ya da 300,50 gibi yazın.",
    storedCards: "Kayıtlı kartlarınız", anotherCard: "Başka bir kart", expired: "süresi doldu", deleteCard: "Sil", saveCard: "Bu kartı sonraki ödemeler için kaydet",
    noWallet: "Kayıtlı kartlarınız şu anda gösterilemiyor; kartınızı yazabilirsiniz.", offers: "Taksit seçenekleri", single: "Tek çekim", instalments: "taksit",
    total: "toplam", surcharge: "Vade farkı", ofIt: "vade farkı", noSurcharge: "vade farkı yok", noOffers: "Taksitler şu anda öğrenilemiyor; tek çekim yapabilirsiniz.",
    offersAgain: "Taksitler yenilendi; yeniden seçin.", openForm: "PAYNET’in kart formunu aç", paynetForm: "PAYNET’in kart formu", instalmentChoice: "Ödeme",
    paynetNote: "Buraya yazdıklarınızı yalnızca PAYNET okur. Önce bir deneme kartının numarasını yazın: …", noPaynet: "PAYNET’in formu yüklenemedi; sayfayı yenileyip yeniden deneyin.",
    blocked: "Şu anda neden yapılamıyor?", deadlines: "Süreler", clocksStand: "Bütün süreler duruyor (… anından beri)", settlements: "Ödeme ve iadeler", disputes: "İtirazlar",
    scheduledFor: "… için planlandı", answerBy: "karar için son gün …", staffFacts: "Operasyon için", cameFrom: "İncelemeden önce: …", loss: "zarar",
    queue: "Karar bekleyenler", nobodyWaits: "Bekleyen yok.", istanbulTime: "Saatler İstanbul saatidir.", yes: "Evet, iade yapılmış", no: "Hayır, yapılmamış",
    timeline: "Neler oldu", attempts: "Ödeme denemeleri", orders: "Siparişler", noOrders: "Henüz sipariş yok.", askId: "Başka bir sipariş adresinden açılır: /?escrow=…",
    nothingToDo: "Bu rolün şu anda yapabileceği bir şey yok.", nextIs: "Sırada", requestId: "İstek no", amount: "Tutar", held: "Emanette",
    released: "Satıcıya", refunded: "İade", charged_back: "Ters ibraz", working: "Bekleyin…", unreachable: "Emanet API’sine ulaşılamıyor.",
    tryAnotherCard: "Başka kartla deneyebilirsiniz.", tryAgain: "Yeniden deneyebilirsiniz.",
    steps: ["Sipariş", "Ödeme", "Emanette", "Kargoda", "Teslim", "Satıcıya"],
  },
  en: {
    demo: "demo shop", buyer: "Buyer", seller: "Seller", operations: "Operations",
    notice: "This is a demo: use no real card. Card data go to Emanet’s API only, never to this shop’s server.",
    noticeHosted: "This is a demo: use no real card. Card data go from PAYNET’s form to PAYNET only, neither to Emanet nor to this shop.",
    productName: "Hand-woven kilim", productText: "Uşak, wool, 120 × 180 cm. Your money rests in escrow until the kilim has reached you and you confirm.",
    buy: "Buy", order: "Order", payTitle: "Pay by card", testCard: "Test card", holder: "Name on card",
    number: "Card number", month: "Month", year: "Year", cvc: "CVC", prefer: "Bank’s page", preferRedirect: "By redirect", preferHtml: "By HTML content",
    pay: "Pay with 3-D Secure", cardNote: "This page keeps no card data.", allAvailable: "empty: all that is left", noAmount: "Write an amount such as 300 or 300.50.",
    storedCards: "Your stored cards", anotherCard: "Another card", expired: "expired", deleteCard: "Delete", saveCard: "Store this card for later payments",
    noWallet: "Your stored cards cannot be shown just now; you can type a card.", offers: "Ways to pay", single: "Single payment", instalments: "instalments",
    total: "total", surcharge: "Surcharge", ofIt: "surcharge", noSurcharge: "no surcharge", noOffers: "Instalments cannot be told just now; a single payment is possible.",
    offersAgain: "The instalments are new; choose again.", openForm: "Open PAYNET’s card form", paynetForm: "PAYNET’s card form", instalmentChoice: "Payment",
    paynetNote: "Only PAYNET reads what you write here. Begin with a test card’s number: …", noPaynet: "PAYNET’s form could not be loaded; reload the page and try again.",
    blocked: "Why is something not possible now?", deadlines: "Deadlines", clocksStand: "Every clock stands since …", settlements: "Releases and refunds", disputes: "Disputes",
    scheduledFor: "scheduled for …", answerBy: "to be decided by …", staffFacts: "For operations", cameFrom: "Before the review: …", loss: "loss",
    queue: "Waiting for a decision", nobodyWaits: "Nobody waits.", istanbulTime: "Times are Istanbul’s.", yes: "Yes, it was refunded", no: "No, it was not",
    timeline: "What happened", attempts: "Payment attempts", orders: "Orders", noOrders: "No orders yet.", askId: "Another order opens by its address: /?escrow=…",
    nothingToDo: "There is nothing this role can do right now.", nextIs: "Next", requestId: "Request", amount: "Amount", held: "Held",
    released: "Released", refunded: "Refunded", charged_back: "Charged back", working: "Please wait…", unreachable: "Emanet’s API cannot be reached.",
    tryAnotherCard: "You can try another card.", tryAgain: "You can try again.",
    steps: ["Order", "Payment", "Held", "Shipped", "Delivered", "Released"],
  },
};

// What a payer agrees to before his card is stored, by the version that the API names. A
// page without the text of that version may not offer it.
export const consents = {
  "demo-1": {
    tr: "Kart bilgilerimin sonraki ödemelerimde kullanılmak üzere PAYNET tarafından saklanmasını, mağazanın yalnızca kartın markasını, ilk altı ve son dört hanesini ve son kullanma tarihini görmesini kabul ediyorum. Kartımı istediğim zaman silebilirim. (Deneme metni, sürüm demo-1)",
    en: "I agree that PAYNET stores my card for my later payments, and that the shop sees its brand, its first six and last four digits and its expiry only. I can delete it at any time. (A text for this demo, version demo-1)",
  },
};

export const statuses = {
  created: { tr: "Ödeme bekliyor", en: "To be paid", moneyTr: "Para alıcıda; hiçbir şey çekilmedi.", moneyEn: "The money is with the buyer; nothing was charged." },
  authenticating: { tr: "Bankada doğrulanıyor", en: "At the bank", moneyTr: "Para alıcıda; banka doğrulaması açık.", moneyEn: "The money is with the buyer; the bank’s page is open." },
  charging: { tr: "Tahsil ediliyor", en: "Charging", moneyTr: "Tahsilat PAYNET’e gönderildi; sonuç sorulup öğreniliyor.", moneyEn: "The charge was sent to PAYNET; we are asking how it ended." },
  held: { tr: "Emanette", en: "Held in escrow", moneyTr: "Ödeme alındı ve emanette: alıcı onaylayana ya da itiraz süresi dolana dek satıcıya ödenmez.", moneyEn: "The payment is taken and held in escrow: the seller is not paid until the buyer confirms or the time to dispute is over." },
  disputed: { tr: "İhtilaflı", en: "Disputed", moneyTr: "Para emanette, karar bekliyor.", moneyEn: "The money is held until the dispute is decided." },
  releasing: { tr: "Satıcıya bırakılıyor", en: "Releasing", moneyTr: "Serbest bırakma gönderildi, yanıt bekleniyor.", moneyEn: "The release was sent; its answer is awaited." },
  refunding: { tr: "İade ediliyor", en: "Refunding", moneyTr: "İade gönderildi, yanıt bekleniyor.", moneyEn: "The refund was sent; its answer is awaited." },
  review: { tr: "İncelemede", en: "Under review", moneyTr: "Bir insan bakıyor; para olduğu yerde.", moneyEn: "A person is looking at it; the money stays where it is." },
  released: { tr: "Satıcıya bırakıldı", en: "Released", moneyTr: "Para satıcının alacağıdır; ödemeyi pazaryeri yapar.", moneyEn: "The money is owed to the seller; the marketplace pays it out." },
  refunded: { tr: "İade edildi", en: "Refunded", moneyTr: "Para alıcıya geri döndü.", moneyEn: "The money went back to the buyer." },
  split: { tr: "Paylaştırıldı", en: "Split", moneyTr: "Bir bölümü satıcının, kalanı alıcının.", moneyEn: "A part is the seller’s, the rest the buyer’s." },
  cancelled: { tr: "İptal edildi", en: "Cancelled", moneyTr: "Sipariş kapandı; hiçbir şey çekilmedi.", moneyEn: "The order is closed; nothing was charged." },
  expired: { tr: "Süresi doldu", en: "Expired", moneyTr: "Hiçbir şey çekilmedi.", moneyEn: "Nothing was charged." },
};

// What comes next, by the API's own words.
export const nexts = {
  ask: ["sonuç PAYNET’e sorulur", "PAYNET is asked how it ended"],
  expire: ["ödenmezse sipariş düşer", "unpaid, the order lapses"],
  expire_session: ["bankanın sayfası kapanır", "the bank’s page closes"],
  refund_unshipped: ["kargoya verilmezse tamamı iade edilir", "not shipped, all of it is refunded"],
  miss_claim: ["teslim onaylanmazsa operasyona bildirilir", "delivery unconfirmed, operations are told"],
  auto_release: ["itiraz edilmezse satıcıya bırakılır", "undisputed, it is released to the seller"],
  escalate: ["süre dolar, incelemeye alınır", "the time is over; it goes to review"],
  "escalate:hold_limit": ["emanet süresi dolar, incelemeye alınır", "the hold limit; it goes to review"],
  escalate_dispute: ["karar verilmezse operasyona hatırlatılır", "undecided, operations are reminded"],
  settle: ["planlanan ödeme ya da iade yapılır", "what is scheduled is carried out"],
  "settle:refund": ["planlanan iade gönderilir", "the scheduled refund is sent"],
  "settle:release": ["planlanan tutar satıcıya bırakılır", "what is scheduled is released to the seller"],
  ask_order: ["sonuç PAYNET’e sorulur", "PAYNET is asked how it ended"],
  lose_chargeback: ["kaybedilen ters ibraz işlenir", "the lost chargeback is booked"],
};

// What may be done, in the order in which the page offers it. `action:role` is for one
// role only.
export const actionNames = {
  ship: ["Kargoya verdim", "I have shipped it"],
  deliver: ["Ürünü teslim aldım", "I have received it"],
  "deliver:operations": ["Teslim edildi olarak kaydet", "Record as delivered"],
  release: ["Onaylıyorum: parayı satıcıya bırak", "I confirm: release the money to the seller"],
  "release:operations": ["Satıcıya bırak", "Release to the seller"],
  dispute: ["İtiraz et", "Dispute"],
  withdraw_dispute: ["İtirazımı geri al", "Withdraw my dispute"],
  cancel: ["Siparişi iptal et", "Cancel the order"],
  refund: ["İade et", "Refund"],
  "refund:seller": ["Paradan vazgeç: alıcıya iade et", "Give money up: refund the buyer"],
  resolve_dispute: ["İtirazı karara bağla", "Resolve the dispute"],
  reject_dispute: ["İtirazı reddet", "Reject the dispute"],
  settle_review: ["Tutulan parayı karara bağla", "Decide over what is held"],
  resume: ["Kaldığı yerden sürsün", "Let it go on"],
  confirm_unknown: ["Belirsiz işlem yapılmış", "The unknown settlement happened"],
  deny_unknown: ["Belirsiz işlem yapılmamış", "The unknown settlement did not happen"],
  accept_mismatch: ["Farklı tutarı kabul et", "Accept the differing amount"],
  refund_mismatch: ["Farklı tutarı iade et", "Refund the differing amount"],
  fund_waiting: ["Geç gelen tahsilatla karşıla", "Fund with the late capture"],
  reopen_unpaid: ["Yeniden ödenebilir yap", "Make it payable again"],
  withdraw_settlement: ["Planlanan işlemi geri al", "Withdraw what is scheduled"],
  refund_capture: ["Fazla tahsilatı iade et", "Refund a surplus capture"],
  answer_surplus: ["Fazla iadenin sonucunu bildir", "Say how the surplus refund ended"],
  open_chargeback: ["Ters ibraz geldi", "A chargeback came"],
  win_chargeback: ["Ters ibraz kazanıldı", "The chargeback was won"],
  lose_chargeback: ["Ters ibraz kaybedildi", "The chargeback was lost"],
  acknowledge: ["Gördüm, kuyruktan çıkar", "Seen: out of the queue"],
  pay: ["Ödeme", "Pay"],
};

export const actionTexts = {
  cancel: ["Kargoya verilmeden önce ücretsizdir; ödediyseniz tamamı iade edilir.", "Free of charge until it is shipped; what you have paid is refunded in full."],
  dispute: ["Bütün süreler durur, operasyon karar verir. Ne oldu?", "Every clock stands, and operations decide. What happened?"],
  withdraw_dispute: ["Süreler kaldığı yerden sürer.", "The clocks go on with what they had left."],
  "refund:seller": ["Ödeme günü yalnızca tamamı iade edilebilir; bir bölümü ertesi gün 00.30’da gönderilir.", "On the day of payment only all of it can go back; a part is sent at 00:30 on the day after."],
  resolve_dispute: ["İki tutarın toplamı, emanette duran tutardır.", "Both amounts sum to what is held."],
  settle_review: ["İki tutarın toplamı, emanette duran tutardır.", "Both amounts sum to what is held."],
  reject_dispute: ["Süreler kaldığı yerden sürer.", "The clocks go on with what they had left."],
};

// What operations do with a callback that nobody could match.
export const inboxActions = {
  replay: ["Yeniden dene", "Try again"],
  close: ["Kapat", "Close"],
};

export const queueReasons = {
  late_capture: ["Geç gelen tahsilat", "A late capture"],
  doubtful_capture: ["Şüpheli tahsilat", "A doubtful capture"],
  ship_by_missed: ["Kargoya verilmedi", "Not shipped in time"],
  delivery_unconfirmed: ["Teslim onaylanmadı", "Delivery not confirmed"],
  inspection_over: ["İnceleme süresi doldu", "The inspection is over"],
  hold_limit: ["Emanet süresi doldu", "The hold limit is over"],
  dispute_open: ["İtiraz karar bekliyor", "A dispute waits for a decision"],
  dispute_overdue: ["İtiraz kararı gecikti", "A dispute is overdue"],
  settlement_denied: ["PAYNET bir işlemi reddetti", "PAYNET denied a refund or release"],
  settlement_unknown: ["Bir işlemin sonucu belirsiz", "How a refund or release ended is unknown"],
  refund_by_hand: ["Elle iade gerekiyor", "To be refunded by hand"],
  chargeback: ["Ters ibraz", "Chargeback"],
  drift: ["PAYNET’in kayıtlarıyla fark", "Differs from PAYNET’s books"],
  reconcile_failed: ["Otomatik işlem başaramadı", "The machine failed too often"],
  callback_unmatched: ["Eşleşmeyen bildirim", "A callback that matches nothing"],
  unreadable: ["Okunamayan kayıt", "A record that cannot be read"],
};

export const kinds = { release: ["Satıcıya", "Release"], refund: ["İade", "Refund"] };

export const settlementStatuses = {
  scheduled: ["planlandı", "scheduled"],
  suspended: ["askıda", "suspended"],
  sent: ["gönderildi", "sent"],
  done: ["tamamlandı", "done"],
  denied: ["reddedildi", "denied"],
  unknown: ["belirsiz", "unknown"],
  withdrawn: ["geri alındı", "withdrawn"],
};

export const disputeStatuses = {
  open: ["açık", "open"],
  withdrawn: ["geri alındı", "withdrawn"],
  rejected: ["reddedildi", "rejected"],
  resolved: ["karara bağlandı", "resolved"],
};

export const deadlines = {
  pay_by: ["Ödeme için son an", "To be paid by"],
  ship_by: ["Kargo için son an", "To be shipped by"],
  claim_by: ["Teslim onayı için son an", "Delivery to be confirmed by"],
  inspection_by: ["İtiraz için son an", "To be disputed by"],
  hold_until: ["Emanetin sonu", "End of the hold"],
};

export const transitions = {
  create: ["Sipariş kaydedildi", "Order registered"],
  start_attempt: ["Ödeme denemesi başladı", "Payment attempt started"],
  open_form: ["PAYNET’in formu açıldı", "PAYNET’s form opened"],
  store_session: ["Bankanın sayfası açıldı", "The bank’s page opened"],
  refuse_session: ["PAYNET oturum açmadı", "PAYNET opened no session"],
  fail_3d: ["3-D doğrulaması olmadı", "3-D Secure failed"],
  expire_session: ["Oturumun süresi doldu", "The session ran out"],
  begin_charge: ["Tahsilat gönderildi", "Charge sent"],
  retake_charge: ["Tahsilat yinelendi", "Charge repeated"],
  capture: ["Tahsil edildi, emanete alındı", "Charged; held in escrow"],
  fund_late: ["Geç gelen tahsilat emanete alındı", "A late capture is held in escrow"],
  decline: ["Banka reddetti", "Declined by the bank"],
  find_unpaid: ["Tahsil edilmediği anlaşıldı", "Found not to be charged"],
  doubt_capture: ["Tahsilat incelemeye alındı", "The capture is under review"],
  note_capture: ["Bir tahsilat not edildi", "A capture was noted"],
  expire: ["Süre doldu", "Expired"],
  ship: ["Kargoya verildi", "Shipped"],
  deliver: ["Teslim edildi", "Delivered"],
  remind: ["Süre hatırlatıldı", "Reminded of a deadline"],
  release: ["Satıcıya bırakıldı", "Released to the seller"],
  order_release: ["Satıcıya ödeme planlandı", "A release was scheduled"],
  cancel: ["İptal edildi", "Cancelled"],
  cancel_held: ["İptal edildi, iade planlandı", "Cancelled; a refund was scheduled"],
  schedule_refund: ["İade planlandı", "A refund was scheduled"],
  release_scheduled: ["Satıcıya bırakıldı", "Released to the seller"],
  send_release: ["Ödeme PAYNET’e gönderildi", "The release was sent to PAYNET"],
  confirm_release: ["Satıcıya ödendi", "Released to the seller"],
  deny_release: ["PAYNET ödemeyi reddetti", "PAYNET denied the release"],
  doubt_release: ["Ödemenin sonucu belirsiz", "How the release ended is unknown"],
  send_refund: ["İade PAYNET’e gönderildi", "The refund was sent to PAYNET"],
  accept_refund: ["PAYNET iadeyi aldı", "PAYNET accepted the refund"],
  confirm_refund: ["İade edildi", "Refunded"],
  deny_refund: ["PAYNET iadeyi reddetti", "PAYNET denied the refund"],
  put_off_refund: ["İade ertesi güne kaldı", "The refund was put off by a day"],
  doubt_refund: ["İadenin sonucu belirsiz", "How the refund ended is unknown"],
  hand_over_refund: ["Elle iadeye bırakıldı", "Left to be refunded by hand"],
  note_proof: ["Bir kanıt not edildi", "A proof was noted"],
  withdraw_settlement: ["Planlanan işlem geri alındı", "What was scheduled was withdrawn"],
  send_surplus: ["Fazla tahsilatın iadesi gönderildi", "A surplus refund was sent"],
  accept_surplus: ["PAYNET fazla iadeyi aldı", "PAYNET accepted the surplus refund"],
  confirm_surplus: ["Fazla tahsilat iade edildi", "The surplus was refunded"],
  deny_surplus: ["PAYNET fazla iadeyi reddetti", "PAYNET denied the surplus refund"],
  doubt_surplus: ["Fazla iadenin sonucu belirsiz", "How the surplus refund ended is unknown"],
  refund_capture: ["Fazla tahsilatın iadesine karar verildi", "A surplus capture is to be refunded"],
  answer_surplus: ["Fazla iadenin sonucu bildirildi", "It was said how the surplus refund ended"],
  dispute: ["Alıcı itiraz etti", "The buyer disputed"],
  withdraw_dispute: ["İtiraz geri alındı", "The dispute was withdrawn"],
  reject_dispute: ["İtiraz reddedildi", "The dispute was rejected"],
  resolve_dispute: ["İtiraz karara bağlandı", "The dispute was resolved"],
  escalate_dispute: ["İtiraz kararı gecikti", "The dispute is overdue"],
  miss_claim: ["Teslim onaylanmadı, operasyona bildirildi", "Delivery unconfirmed; operations were told"],
  resume: ["Kaldığı yerden sürüyor", "It goes on"],
  confirm_unknown: ["Belirsiz işlemin yapıldığı saptandı", "The unknown settlement was found done"],
  deny_unknown: ["Belirsiz işlemin yapılmadığı saptandı", "The unknown settlement was found not done"],
  settle_review: ["Tutulan para karara bağlandı", "It was decided over what is held"],
  accept_mismatch: ["Farklı tutar kabul edildi", "The differing amount was accepted"],
  refund_mismatch: ["Farklı tutar iade ediliyor", "The differing amount goes back"],
  reopen_unpaid: ["Yeniden ödenebilir", "Payable again"],
  fund_waiting: ["Geç gelen tahsilatla karşılandı", "Funded with the late capture"],
  open_chargeback: ["Ters ibraz geldi, donduruldu", "A chargeback came; it is frozen"],
  flag_chargeback: ["Ters ibraz not edildi", "A chargeback was noted"],
  win_chargeback: ["Ters ibraz kazanıldı", "The chargeback was won"],
  note_chargeback_won: ["Ters ibraz kazanıldı", "The chargeback was won"],
  lose_chargeback: ["Ters ibraz kaybedildi", "The chargeback was lost"],
  note_chargeback_lost: ["Ters ibraz kaybedildi", "The chargeback was lost"],
  note_fee: ["PAYNET’in komisyonu not edildi", "PAYNET’s fee was noted"],
  acknowledge: ["Operasyon gördü", "Seen by operations"],
  escalate: ["İncelemeye alındı", "Put under review"],
  flag: ["Bir insana bildirildi", "A person was told"],
  give_up: ["İncelemeye alındı", "Put under review"],
};

// Who did it, by the API's own words.
export const actors = {
  backend: ["mağazanın sunucusu", "the shop’s server"],
  payer: ["alıcı", "buyer"],
  payee: ["satıcı", "seller"],
  carrier: ["kargo firması", "carrier"],
  operations: ["operasyon", "operations"],
  browser: ["alıcının tarayıcısı", "the buyer’s browser"],
  paynet: ["PAYNET", "PAYNET"],
  clock: ["zamanlayıcı", "the clock"],
};

// What became of one attempt to pay.
export const attemptStatuses = {
  starting: ["Başlatılıyor", "Starting"],
  open: ["Bankanın sayfası açık", "The bank’s page is open"],
  charging: ["Tahsil ediliyor", "Being charged"],
  captured: ["Tahsil edildi", "Charged"],
  declined: ["Kart reddedildi", "The card was declined"],
  refused: ["Ödeme başlatılamadı", "The payment could not be started"],
  failed: ["3-D doğrulaması tamamlanmadı", "3-D Secure was not completed"],
  superseded: ["Yerini yeni bir deneme aldı", "A newer attempt took its place"],
  expired: ["Banka doğrulamasının süresi doldu", "The time at the bank ran out"],
  not_paid: ["Ödeme alınmadı", "No payment was taken"],
  cancelled: ["Vazgeçildi", "Given up"],
};

// Why, where it is our own word; a bank's words are shown as they are.
export const refusals = {
  refused: ["", ""],
  payment_refused: ["PAYNET kartı kabul etmedi", "PAYNET did not accept the card"],
  paynet_unreachable: ["PAYNET yanıt vermedi", "PAYNET did not answer"],
  secret_unavailable: ["hizmet hazır değildi", "the service was not ready"],
  card_not_found: ["kayıtlı kart silinmiş", "the stored card was deleted"],
};

// The fields that the page fills in, as the API names them.
export const fields = {
  "card.holder": ["Kart üzerindeki ad", "Name on card"],
  "card.number": ["Kart numarası", "Card number"],
  "card.expiry_month": ["Son kullanma ayı", "Expiry month"],
  "card.expiry_year": ["Son kullanma yılı", "Expiry year"],
  "card.cvc": ["CVC", "CVC"],
  "stored_card": ["Kayıtlı kart", "Stored card"],
  "save_card": ["Kart saklama", "Storing the card"],
  "save_card.consent_version": ["Onay metni", "The text agreed to"],
  "quote": ["Taksit teklifi", "The instalment quote"],
  "return_to": ["Dönüş adresi", "Return address"],
  "reason": ["Gerekçe", "Reason"],
  "amount": ["Tutar (lira)", "Amount (lira)"],
  "amount.amount": ["Tutar", "Amount"],
  "release": ["Satıcıya (lira)", "To the seller (lira)"],
  "refund": ["Alıcıya iade (lira)", "Back to the buyer (lira)"],
  "settlement": ["Hangi işlem", "Which settlement"],
  "done": ["Yapıldı mı?", "Was it done?"],
  "xact_id": ["Hangi tahsilat", "Which capture"],
  "carrier": ["Kargo firması", "Carrier"],
  "tracking_number": ["Takip numarası", "Tracking number"],
};
