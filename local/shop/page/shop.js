// The shop's page. It shows what the API says and asks for what the API allows; text
// from anywhere becomes text nodes only. It keeps no card data and no secret.
import { actors, attemptStatuses, fields, nexts, refusals, statuses, transitions, words } from "/page/words.js";

const POLL_MS = 2000;
const API_WORDS = /`|\w_\w|Retry-After|Idempotency-Key/; // advice with these is for developers
const UNPAID = ["created", "cancelled", "expired"];
const WENT_WRONG = ["declined", "refused", "failed", "expired", "not_paid"];
const CLOSED = ["released", "refunded", "split", "cancelled", "expired"];
const $ = (id) => document.getElementById(id);
const state = { language: localStorage.getItem("language") ?? "tr", role: localStorage.getItem("role") ?? "buyer", settings: null, escrow: null, tokens: {} };
const word = (name) => words[state.language][name];
const isTurkish = () => state.language === "tr";

// ── Talking ────────────────────────────────────────────────────────────────
class Problem extends Error {
  constructor(body) {
    super(body.detail ?? body.title ?? body.message ?? "?");
    this.body = body;
  }
}

async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Problem({ title: word("unreachable") });
  }
  const body = await response.json().catch(() => ({ title: `HTTP ${response.status}` }));
  if (!response.ok) throw new Problem(body);
  return body;
}

async function token() {
  state.tokens[state.role] ??= (await ask(`/shop/token?who=${state.role}`)).token;
  return state.tokens[state.role];
}

async function api(method, path, body, headers = {}) {
  return ask(state.settings.api_url + path, {
    method,
    headers: { "Authorization": `Bearer ${await token()}`, "Accept-Language": state.language, ...(body && { "Content-Type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
  });
}

// ── Showing ────────────────────────────────────────────────────────────────
function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// Kuruş are whole numbers to the last letter: no fraction is ever computed.
function money({ amount, currency }) {
  const kurus = String(amount % 100).padStart(2, "0");
  const lira = ((amount - (amount % 100)) / 100).toLocaleString(isTurkish() ? "tr-TR" : "en-GB");
  return `${lira}${isTurkish() ? "," : "."}${kurus} ${currency}`;
}

const named = (names, name) => names[name]?.[isTurkish() ? 0 : 1] ?? name;
const moment = (at) => new Date(at).toLocaleString(isTurkish() ? "tr-TR" : "en-GB");

function showProblem(error) {
  const box = $("problem");
  box.hidden = !error;
  if (!error) return;
  const { title, detail = "", errors = [], request_id: request } = error.body ?? {};
  const list = element("ul", "");
  list.append(...errors.map(({ field, text }) => element("li", `${named(fields, field)}: ${text}`)));
  const advice = API_WORDS.test(detail) ? "" : detail;
  box.replaceChildren(element("strong", title ?? error.message), element("p", advice), list,
    element("p", request ? `${word("requestId")} ${request}` : "", "small"));
  box.scrollIntoView({ behavior: "smooth", block: "nearest" });
}

function showWords() {
  document.documentElement.lang = state.language;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  for (const button of $("roles").children) button.setAttribute("aria-pressed", String(button.dataset.role === state.role));
  $("language").textContent = isTurkish() ? "English" : "Türkçe";
  $("price").textContent = money({ amount: state.settings.prices.kilim, currency: "TRY" });
  const chosen = $("card").value;
  $("card").replaceChildren(...state.settings.cards.map((card) => {
    const option = element("option", card[state.language]);
    option.value = card.number;
    return option;
  }));
  if (chosen) $("card").value = chosen;
}

function showEscrow() {
  const escrow = state.escrow;
  $("order").hidden = !escrow;
  $("product").hidden = Boolean(escrow) || state.role !== "buyer";
  if (!escrow) return;
  const status = statuses[escrow.status] ?? {};
  $("order-id").textContent = escrow.order_id;
  $("status").textContent = status[state.language] ?? escrow.status;
  $("status").dataset.status = escrow.status;
  $("where").textContent = (isTurkish() ? status.moneyTr : status.moneyEn) ?? "";
  $("next").textContent = escrow.next ? `${word("nextIs")}: ${named(nexts, escrow.next.what)} · ${moment(escrow.next.at)}` : "";
  showSteps(escrow);
  showSums(escrow);
  showActions(escrow);
  showLastAttempt(escrow);
  showTimeline(escrow);
}

function showSteps(escrow) {
  const isHeld = escrow.captured?.amount > 0 || escrow.held.amount > 0 || escrow.released.amount > 0;
  const done = [true, isHeld, isHeld, Boolean(escrow.shipped_at), Boolean(escrow.delivered_at), escrow.status === "released"];
  $("steps").replaceChildren(...word("steps").map((name, i) => element("li", name, done[i] ? "done" : "")));
}

function showSums(escrow) {
  const names = ["amount", "held", "released", "refunded", "charged_back"];
  const shown = names.filter((name) => ["amount", "held", "released"].includes(name) || escrow[name]?.amount);
  $("sums").replaceChildren(...shown.map((name) => {
    const value = element("dd", money(escrow[name]));
    value.dataset.test = name;
    const pair = element("div", "");
    pair.append(element("dt", word(name)), value);
    return pair;
  }));
}

function showActions(escrow) {
  const may = (action) => escrow.allowed_actions.includes(action);
  $("pay-form").hidden = !(state.role === "buyer" && may("pay"));
  $("ship-form").hidden = !(state.role === "seller" && may("ship"));
  $("deliver").hidden = !may("deliver");
  $("deliver").textContent = word(state.role === "buyer" ? "deliver" : "markDelivered");
  $("release").hidden = !(state.role === "buyer" && may("release"));
  const isIdle = $("pay-form").hidden && $("ship-form").hidden && $("deliver").hidden && $("release").hidden;
  $("idle").hidden = !isIdle;
  $("idle").textContent = isIdle ? word("nothingToDo") : "";
}

// What became of an attempt, and why: our own word for it, or what the bank said without
// its error number, which helps no payer.
function outcomeOf({ status, refusal }) {
  const why = named(refusals, refusal ?? "").replace(/^(?!3-?D )\S*\d\S*\s*|\.$/g, "");
  return [named(attemptStatuses, status), why].filter(Boolean).join(": ");
}

// Whoever comes back from the bank unpaid is told why, where he would pay again.
function showLastAttempt(escrow) {
  const last = (escrow.attempts ?? []).at(-1);
  const isTold = UNPAID.includes(escrow.status) && WENT_WRONG.includes(last?.status);
  $("last-attempt").hidden = !isTold;
  if (!isTold) return;
  const isCard = last.status === "declined" || last.refusal === "payment_refused";
  const advice = $("pay-form").hidden ? "" : ` ${word(isCard ? "tryAnotherCard" : "tryAgain")}`;
  $("last-attempt").textContent = `${outcomeOf(last)}.${advice}`;
}

function showTimeline(escrow) {
  $("timeline").replaceChildren(...escrow.history.map((entry) => {
    const line = element("li", "");
    const name = named(transitions, entry.transition);
    line.dataset.transition = entry.transition;
    line.append(element("strong", name), element("span", `${moment(entry.at)} · ${named(actors, entry.by)}`, "small"));
    return line;
  }));
  const attempts = escrow.attempts ?? []; // a seller is not shown them
  $("attempts-box").hidden = attempts.length === 0;
  $("attempts").replaceChildren(...attempts.map((attempt) =>
    element("li", [`#${attempt.number}`, outcomeOf(attempt), attempt.card, attempt.reference_no].filter(Boolean).join(" · "))));
}

async function showOrders() {
  const as = { buyer: "payer", seller: "payee" }[state.role];
  $("orders").hidden = Boolean(state.escrow);
  if (state.escrow) return;
  if (!as) return $("order-list").replaceChildren(element("li", word("askId"), "small"));
  const { escrows } = await api("GET", `/api/escrows?as=${as}`);
  const newest = [...escrows].sort((a, b) => b.created_at.localeCompare(a.created_at));
  $("order-list").replaceChildren(...newest.map((escrow) => {
    const line = element("li", "");
    const link = element("a", `${escrow.order_id} · ${money(escrow.amount)} · ${statuses[escrow.status]?.[state.language] ?? escrow.status}`);
    link.href = `/?escrow=${encodeURIComponent(escrow.escrow_id)}`;
    line.append(link);
    return line;
  }));
  if (!newest.length) $("order-list").append(element("li", word("noOrders"), "small"));
}

// ── Doing ──────────────────────────────────────────────────────────────────
const wantedEscrow = () => new URLSearchParams(location.search).get("escrow");
const pathOf = (escrow, verb = "") => `/api/escrows/${encodeURIComponent(escrow)}${verb}`;

async function refresh() {
  const id = wantedEscrow();
  state.escrow = id ? await api("GET", pathOf(id)) : null;
  showEscrow();
}

async function everything() {
  showWords();
  await refresh();
  await showOrders();
}

// One thing at a time: what is pressed waits for its answer, and shows what went wrong.
async function doing(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  showProblem(null);
  try {
    await work();
  } catch (error) {
    showProblem(error);
  } finally {
    button.disabled = false;
  }
}

async function buy() {
  const escrow = await ask("/shop/orders", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ product: "kilim" }) });
  history.pushState({}, "", `/?escrow=${encodeURIComponent(escrow.escrow_id)}`);
  await everything();
}

async function pay() {
  const card = { holder: $("holder").value, number: $("number").value.replaceAll(" ", ""), expiry_month: Number($("month").value), expiry_year: Number($("year").value), cvc: $("cvc").value };
  const { three_ds: bank } = await api("POST", pathOf(wantedEscrow(), "/3d"), { card, return_to: `${location.origin}/return`, prefer: $("prefer").value });
  $("pay-form").reset();
  fillCard();
  if (bank.kind === "html") {
    sessionStorage.setItem("bank-html", bank.html);
    return location.assign("/bank");
  }
  if (!/^https?:\/\//.test(bank.url)) throw new Problem({ title: "three_ds.url" });
  location.assign(bank.url);
}

async function ship() {
  await api("POST", pathOf(wantedEscrow(), "/ship"), { carrier: $("carrier").value, tracking_number: $("tracking").value });
  await refresh();
}

async function deliver() {
  await api("POST", pathOf(wantedEscrow(), "/deliver"), {});
  await refresh();
}

// The key stays the same for this order, so that pressing again never releases twice.
async function release() {
  const place = `release-key ${wantedEscrow()}`;
  const key = sessionStorage.getItem(place) ?? crypto.randomUUID();
  sessionStorage.setItem(place, key);
  await api("POST", pathOf(wantedEscrow(), "/release"), {}, { "Idempotency-Key": key });
  await refresh();
}

function fillCard() {
  $("holder").value ||= "AYSE DEMO";
  $("number").value = $("card").value.replace(/(.{4})(?=.)/g, "$1 ");
  $("month").value ||= "12";
  $("year").value ||= "2030";
  $("cvc").value ||= "123";
}

async function poll() {
  try {
    if (state.escrow && !CLOSED.includes(state.escrow.status)) {
      const before = state.escrow.version;
      const fresh = await api("GET", pathOf(state.escrow.escrow_id));
      if (fresh.version !== before && fresh.escrow_id === wantedEscrow()) {
        state.escrow = fresh;
        showEscrow();
      }
    }
  } catch { /* the next round asks again */ }
  setTimeout(poll, POLL_MS);
}

function on(id, event, work) {
  $(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    const button = happened.submitter ?? $(id);
    doing(button, work);
  });
}

async function start() {
  state.settings = await ask("/shop/settings");
  on("buy", "click", buy);
  on("pay-form", "submit", pay);
  on("ship-form", "submit", ship);
  on("deliver", "click", deliver);
  on("release", "click", release);
  $("card").addEventListener("change", fillCard);
  $("language").addEventListener("click", () => {
    state.language = isTurkish() ? "en" : "tr";
    localStorage.setItem("language", state.language);
    doing($("language"), everything);
  });
  $("roles").addEventListener("click", ({ target }) => {
    if (!target.dataset.role) return;
    state.role = target.dataset.role;
    localStorage.setItem("role", state.role);
    doing(target, everything);
  });
  addEventListener("popstate", () => doing($("language"), everything));
  showWords();
  fillCard();
  await doing($("language"), everything);
  poll();
}

start().catch(showProblem);
