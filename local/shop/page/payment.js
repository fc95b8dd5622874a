// How the buyer pays: with a card that he types or one that PAYNET keeps for him, at once
// or in instalments; or, where no card may come here, in PAYNET's own form. Every price
// is the API's, and signed by it. No card data are kept.
import { consents } from "/page/words.js";

const BIN_DIGITS = 6;
const FORM = "paynet-form";
const FORM_PARTS = { holderName: "holder", number: "number", "exp-month": "month", "exp-year": "year", cvv: "cvc" };
const DEMO = { holder: "AYSE DEMO", month: "12", year: "2049", cvc: "123" };
const $ = (id) => document.getElementById(id);

let page; // what shop.js lends: api, element, money, word, doing, language, settings
let escrowId; // of the order that the form pays now
let wallet = { cards: [], consent_version: null };
let asked = ""; // for what offers were asked last
let offers = [];

const isHosted = () => page.settings().payment_mode === "hosted";

export function setUp(lent) {
  page = lent;
  showWords();
  for (const part of ["typed", "way"]) $(part).hidden = $(part).disabled = isHosted();
  if (isHosted()) return;
  $("card").addEventListener("change", fillCard);
  $("number").addEventListener("input", askOffers);
  $("stored").addEventListener("change", chooseCard);
  fillCard();
}

// ── Showing ────────────────────────────────────────────────────────────────

export function showWords() {
  $("open").textContent = page.word(isHosted() ? "openForm" : "pay");
  $("notice").textContent = page.word(isHosted() ? "noticeHosted" : "notice");
  const chosen = $("card").value;
  $("card").replaceChildren(...page.settings().cards.map((card) => new Option(card[page.language()], card.number)));
  if (chosen) $("card").value = chosen;
}

// Once for each order and language: what is typed is never lost.
export function showPayForm(escrow, isOffered) {
  if (!isOffered || escrow.escrow_id !== escrowId) $("paynet").replaceChildren();
  $("pay-form").hidden = !isOffered || $("paynet").hasChildNodes();
  const drawn = isOffered ? `${escrow.escrow_id} ${page.language()}` : "";
  if ($("pay-form").dataset.drawn === drawn) return;
  $("pay-form").dataset.drawn = drawn;
  escrowId = escrow.escrow_id;
  if (!isOffered || isHosted()) return;
  showCards();
  askOffers();
}

async function showCards() {
  try {
    wallet = await page.api("GET", "/api/cards");
    $("stored-note").textContent = "";
  } catch {
    wallet = { cards: [], consent_version: null };
    $("stored-note").textContent = page.word("noWallet");
  }
  const consent = consents[wallet.consent_version]; // without its text nobody can agree
  $("save-box").hidden = !consent;
  $("save").disabled = !consent;
  $("consent").textContent = consent?.[page.language()] ?? "";
  $("stored").hidden = !wallet.cards.length;
  $("stored-list").replaceChildren(...wallet.cards.map(cardLine), choice("stored", "", page.word("anotherCard"), []));
  $("stored-list").lastChild.firstChild.checked = true;
  chooseCard();
}

function cardLine(card) {
  const ends = `${String(card.expiry_month).padStart(2, "0")}/${card.expiry_year}`;
  const name = `${card.brand ?? card.name ?? ""} •••• ${card.last_four}`.trim();
  const label = choice("stored", card.card_id, name, [ends, card.is_expired && page.word("expired")]);
  label.firstChild.disabled = card.is_expired;
  const remove = page.element("button", page.word("deleteCard"), "quiet");
  remove.type = "button";
  remove.dataset.test = "delete-card";
  remove.setAttribute("aria-label", `${page.word("deleteCard")}: ${name}`);
  remove.addEventListener("click", () => page.doing(remove, () => deleteCard(card)));
  const line = page.element("div", "", "row");
  line.dataset.test = "stored-card";
  line.append(label, remove);
  return line;
}

// A radio button with what is to be read beside it.
function choice(name, value, title, facts) {
  const label = page.element("label", "", "choice");
  const button = document.createElement("input");
  Object.assign(button, { type: "radio", name, value });
  button.dataset.test = `${name}-${value || "another"}`;
  label.append(button, page.element("strong", title), page.element("span", facts.filter(Boolean).join(" · ")));
  return label;
}

const chosen = (name) => $("pay-form").querySelector(`input[name=${name}]:checked`)?.value;
const storedCard = () => wallet.cards.find(({ card_id: id }) => id === chosen("stored"));

function chooseCard() {
  const isTyped = !storedCard();
  $("typed").hidden = $("typed").disabled = !isTyped;
  askOffers();
}

function fillCard() {
  for (const [name, value] of Object.entries(DEMO)) $(name).value ||= value;
  $("number").value = $("card").value.replace(/(.{4})(?=.)/g, "$1 ");
  askOffers();
}

// ── Instalments ────────────────────────────────────────────────────────────

// Once for each card's first six digits. An answer that came too late is for nobody.
async function askOffers() {
  const bin = storedCard()?.bin ?? $("number").value.replace(/\D/g, "").slice(0, BIN_DIGITS);
  const question = `${escrowId} ${bin} ${page.language()}`;
  if (!escrowId || question === asked) return;
  asked = question;
  showOffers([], "");
  if (bin.length < BIN_DIGITS) return;
  const query = new URLSearchParams({ escrow: escrowId, bin });
  const told = await page.api("GET", `/api/instalments?${query}`).catch(() => null);
  if (question !== asked) return;
  if (!told) asked = ""; // a single payment needs no offer
  showOffers(told?.offers ?? [], told ? told.only_single_text : page.word("noOffers"));
}

function showOffers(told, note) {
  offers = told;
  $("offers").hidden = !told.length && !note;
  $("offer-list").replaceChildren(...told.map(offerLine));
  if (told.length) $("offer-list").firstChild.firstChild.checked = true;
  $("only-single").textContent = note ?? "";
}

function offerLine({ count, total, surcharge, instalments }) {
  if (count === 1) return choice("offer", "1", `${page.word("single")}: ${page.money(total)}`, []);
  const cost = surcharge.amount ? `${page.word("ofIt")} ${page.money(surcharge)}` : page.word("noSurcharge");
  return choice("offer", String(count), `${count} ${page.word("instalments")}: ${partsOf(instalments)}`, [`${page.word("total")} ${page.money(total)}`, cost]);
}

// The first one carries what does not divide.
function partsOf([first, ...others]) {
  const [next] = others;
  if (first.amount === next.amount) return `${others.length + 1} × ${page.money(first)}`;
  return `${page.money(first)} + ${others.length > 1 ? `${others.length} × ` : ""}${page.money(next)}`;
}

// ── Paying ─────────────────────────────────────────────────────────────────

export async function pay() {
  const { three_ds: next } = await page.api("POST", `/api/escrows/${encodeURIComponent(escrowId)}/3d`, body()).catch(lookAgain);
  if (next.kind === "form") return openForm(next);
  $("pay-form").reset();
  fillCard();
  if (next.kind === "html") {
    sessionStorage.setItem("bank-html", next.html);
    return location.assign("/bank");
  }
  if (!/^https?:\/\//.test(next.url)) throw new Error("three_ds.url");
  location.assign(next.url);
}

function body() {
  const back = { return_to: `${location.origin}/return` };
  if (isHosted()) return back;
  const card = storedCard();
  const offer = offers.find(({ count }) => String(count) === chosen("offer"));
  return {
    ...back,
    prefer: $("prefer").value,
    ...(card ? { stored_card: card.card_id } : { card: typedCard() }),
    ...(!card && $("save").checked && { save_card: { consent_version: wallet.consent_version } }),
    ...(offer?.count > 1 && { quote: offer.quote }),
  };
}

const typedCard = () => ({ holder: $("holder").value, number: $("number").value.replaceAll(" ", ""), expiry_month: Number($("month").value), expiry_year: Number($("year").value), cvc: $("cvc").value });

// A quote that is over is asked for again, and a card that is gone is shown no more; the
// buyer chooses anew.
async function lookAgain(error) {
  const { code } = error.body ?? {};
  if (code === "quote_refused") {
    asked = "";
    await askOffers();
    $("only-single").textContent = page.word("offersAgain");
  }
  if (code === "card_not_found") await showCards();
  throw error;
}

async function deleteCard({ card_id: id }) {
  try {
    await page.api("DELETE", `/api/cards/${encodeURIComponent(id)}`);
  } finally {
    await showCards();
  }
}

// ── PAYNET's own form ──────────────────────────────────────────────────────

// As PAYNET documents it. Its fields have no name, so that the browser sends them to
// nobody: PAYNET's script reads them, opens the bank's page, and posts two ids of its own.
function openForm({ script, attributes, action }) {
  const form = page.element("form", "", "action");
  Object.assign(form, { id: FORM, method: "post", action, autocomplete: "off" });
  for (const [part, name] of Object.entries(FORM_PARTS)) {
    const input = document.createElement("input");
    input.value = DEMO[name] ?? "";
    if (part !== "holderName") input.inputMode = "numeric";
    form.append(paynetField(part, name, input));
  }
  const ends = page.element("div", "", "three");
  ends.append(...[...form.children].slice(2)); // month, year and security code
  const number = form.querySelector("[data-paynet=number]");
  number.setAttribute("list", "test-cards");
  const select = document.createElement("select");
  select.append(new Option(page.word("single"), ""));
  const button = page.element("button", page.word("pay"), "primary");
  button.dataset.paynet = "submit";
  const said = page.element("p", "", "refused");
  said.role = "alert";
  form.append(ends, paynetField("installmentKey", "instalmentChoice", select), button);
  $("pay-form").hidden = true;
  $("paynet").replaceChildren(page.element("h2", page.word("paynetForm")), page.element("p", page.word("paynetNote").replace("…", page.settings().cards[0].number), "small"), form, said, testCards());
  const tag = document.createElement("script");
  for (const [name, value] of Object.entries(attributes)) tag.setAttribute(name, value);
  tag.setAttribute("data-form", `#${FORM}`);
  tag.addEventListener("load", () => listen(number, select, said));
  tag.addEventListener("error", () => { said.textContent = page.word("noPaynet"); });
  tag.src = script;
  form.after(tag);
}

function paynetField(part, name, field) {
  field.dataset.paynet = part;
  const label = page.element("label", "");
  label.append(page.element("span", page.word(name)), field);
  return label;
}

function testCards() {
  const list = document.createElement("datalist");
  list.id = "test-cards";
  list.append(...page.settings().cards.map((card) => new Option(card[page.language()], card.number)));
  return list;
}

// What PAYNET's script tells: the card's instalments, of which only the single payment is
// for this form, and whatever went wrong. Of itself it looks at keys only.
function listen(number, select, said) {
  const { events, services } = window.Paynet;
  events.onCheckBin((told) => {
    const single = told?.ok && told.bank.installments.find(({ instalment }) => Number(instalment) <= 1);
    select.options[0].value = single ? single.instalment_key : "";
  });
  for (const name of ["validationError", "onAuthentication", "onCreateToken"]) {
    events[name]((told) => { said.textContent = told.ok ? "" : told.message; });
  }
  number.addEventListener("change", () => services.checkBin(number.value));
}
