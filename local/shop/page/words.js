// Every word of the page in both languages. Nothing here is ever read as HTML.
export const words = {
  tr: {
    demo: "demo mağaza", buyer: "Alıcı", seller: "Satıcı", operations: "Operasyon",
    notice: "Bu bir denemedir: gerçek kart kullanmayın. Kart bilgileri yalnızca Emanet API’sine gider, bu mağazanın sunucusuna değil.",
    productName: "El dokuma kilim", productText: "Uşak, yün, 120 × 180 cm. Paranız, kilim elinize ulaşıp onaylayana dek emanette durur.",
    buy: "Satın al", order: "Sipariş", payTitle: "Kartla öde", testCard: "Deneme kartı", holder: "Kart üzerindeki ad",
    number: "Kart numarası", month: "Ay", year: "Yıl", prefer: "Banka sayfası", preferRedirect: "Yönlendirme ile", preferHtml: "HTML içerik ile",
    pay: "3-D Secure ile öde", cardNote: "Bu sayfa kart bilgilerini saklamaz.", shipTitle: "Kargoya ver", carrier: "Kargo firması",
    tracking: "Takip numarası", ship: "Kargoya verdim", deliver: "Ürünü teslim aldım", markDelivered: "Teslim edildi olarak kaydet", release: "Onaylıyorum: parayı satıcıya bırak",
    timeline: "Neler oldu", attempts: "Ödeme denemeleri", orders: "Siparişler", noOrders: "Henüz sipariş yok.", askId: "Operasyon bir siparişi adresinden açar: /?escrow=…",
    nothingToDo: "Bu rolün şu anda yapabileceği bir şey yok.", nextIs: "Sırada", requestId: "İstek no", amount: "Tutar", held: "Emanette",
    released: "Satıcıya", refunded: "İade", charged_back: "Ters ibraz", working: "Bekleyin…", unreachable: "Emanet API’sine ulaşılamıyor.",
    tryAnotherCard: "Başka kartla deneyebilirsiniz.", tryAgain: "Yeniden deneyebilirsiniz.",
    steps: ["Sipariş", "Ödeme", "Emanette", "Kargoda", "Teslim", "Satıcıya"],
  },
  en: {
    demo: "demo shop", buyer: "Buyer", seller: "Seller", operations: "Operations",
    notice: "This is a demo: use no real card. Card data go to Emanet’s API only, never to this shop’s server.",
    productName: "Hand-woven kilim", productText: "Uşak, wool, 120 × 180 cm. Your money rests in escrow until the kilim has reached you and you confirm.",
    buy: "Buy", order: "Order", payTitle: "Pay by card", testCard: "Test card", holder: "Name on card",
    number: "Card number", month: "Month", year: "Year", prefer: "Bank’s page", preferRedirect: "By redirect", preferHtml: "By HTML content",
    pay: "Pay with 3-D Secure", cardNote: "This page keeps no card data.", shipTitle: "Ship", carrier: "Carrier",
    tracking: "Tracking number", ship: "I have shipped it", deliver: "I have received it", markDelivered: "Record as delivered", release: "I confirm: release the money to the seller",
    timeline: "What happened", attempts: "Payment attempts", orders: "Orders", noOrders: "No orders yet.", askId: "Operations opens an order by its address: /?escrow=…",
    nothingToDo: "There is nothing this role can do right now.", nextIs: "Next", requestId: "Request", amount: "Amount", held: "Held",
    released: "Released", refunded: "Refunded", charged_back: "Charged back", working: "Please wait…", unreachable: "Emanet’s API cannot be reached.",
    tryAnotherCard: "You can try another card.", tryAgain: "You can try again.",
    steps: ["Order", "Payment", "Held", "Shipped", "Delivered", "Released"],
  },
};

export const statuses = {
  created: { tr: "Ödeme bekliyor", en: "To be paid", moneyTr: "Para alıcıda; hiçbir şey çekilmedi.", moneyEn: "The money is with the buyer; nothing was charged." },
  authenticating: { tr: "Bankada doğrulanıyor", en: "At the bank", moneyTr: "Para alıcıda; banka doğrulaması açık.", moneyEn: "The money is with the buyer; the bank’s page is open." },
  charging: { tr: "Tahsil ediliyor", en: "Charging", moneyTr: "Tahsilat PAYNET’e gönderildi; sonuç sorulup öğreniliyor.", moneyEn: "The charge was sent to PAYNET; we are asking how it ended." },
  held: { tr: "Emanette", en: "Held in escrow", moneyTr: "Ödeme alındı ve emanette: siz onaylayana kadar satıcıya ödenmez.", moneyEn: "The payment is taken and held in escrow: the seller is not paid until you confirm." },
  disputed: { tr: "İhtilaflı", en: "Disputed", moneyTr: "Para emanette, karar bekliyor.", moneyEn: "The money is held until the dispute is decided." },
  releasing: { tr: "Satıcıya bırakılıyor", en: "Releasing", moneyTr: "Serbest bırakma gönderildi, yanıt bekleniyor.", moneyEn: "The release was sent; its answer is awaited." },
  refunding: { tr: "İade ediliyor", en: "Refunding", moneyTr: "İade gönderildi, yanıt bekleniyor.", moneyEn: "The refund was sent; its answer is awaited." },
  review: { tr: "İncelemede", en: "Under review", moneyTr: "Bir insan bakıyor; para olduğu yerde.", moneyEn: "A person is looking at it; the money stays where it is." },
  released: { tr: "Satıcıya bırakıldı", en: "Released", moneyTr: "Para satıcının alacağıdır; ödemeyi pazaryeri yapar.", moneyEn: "The money is owed to the seller; the marketplace pays it out." },
  refunded: { tr: "İade edildi", en: "Refunded", moneyTr: "Para alıcıya geri döndü.", moneyEn: "The money went back to the buyer." },
  split: { tr: "Paylaştırıldı", en: "Split", moneyTr: "Bir bölümü satıcının, kalanı alıcının.", moneyEn: "A part is the seller’s, the rest the buyer’s." },
  cancelled: { tr: "İptal edildi", en: "Cancelled", moneyTr: "Hiçbir şey çekilmedi.", moneyEn: "Nothing was charged." },
  expired: { tr: "Süresi doldu", en: "Expired", moneyTr: "Hiçbir şey çekilmedi.", moneyEn: "Nothing was charged." },
};

// What comes next, by the API's own words.
export const nexts = {
  ask: ["sonuç PAYNET’e sorulur", "PAYNET is asked how it ended"],
  expire: ["ödenmezse sipariş düşer", "unpaid, the order lapses"],
  expire_session: ["bankanın sayfası kapanır", "the bank’s page closes"],
  ship_by_missed: ["kargoya verilmezse incelemeye alınır", "not shipped, it goes to review"],
  delivery_unconfirmed: ["teslim onaylanmazsa incelemeye alınır", "delivery unconfirmed, it goes to review"],
  inspection_over: ["onaylanmazsa incelemeye alınır", "unconfirmed, it goes to review"],
  hold_limit: ["emanet süresi dolar, incelemeye alınır", "the hold limit; it goes to review"],
};

export const transitions = {
  create: ["Sipariş kaydedildi", "Order registered"],
  start_attempt: ["Ödeme denemesi başladı", "Payment attempt started"],
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
  release: ["Satıcıya bırakıldı", "Released to the seller"],
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
};

// Why, where it is our own word; a bank's words are shown as they are.
export const refusals = {
  refused: ["", ""],
  payment_refused: ["PAYNET kartı kabul etmedi", "PAYNET did not accept the card"],
  paynet_unreachable: ["PAYNET yanıt vermedi", "PAYNET did not answer"],
  secret_unavailable: ["hizmet hazır değildi", "the service was not ready"],
};

// The fields that the page fills in, as the API names them.
export const fields = {
  "card.holder": ["Kart üzerindeki ad", "Name on card"],
  "card.number": ["Kart numarası", "Card number"],
  "card.expiry_month": ["Son kullanma ayı", "Expiry month"],
  "card.expiry_year": ["Son kullanma yılı", "Expiry year"],
  "card.cvc": ["CVC", "CVC"],
  "return_to": ["Dönüş adresi", "Return address"],
  "carrier": ["Kargo firması", "Carrier"],
  "tracking_number": ["Takip numarası", "Tracking number"],
};
