// The shop's page. It shows what the API says and asks for what the API allows; text
// from anywhere becomes text nodes only. It keeps no card data and no secret.
import { actionForm } from "/page/forms.js";
import * as payment from "/page/payment.js";
import { actionNames, actors, attemptStatuses, deadlines, disputeStatuses, fields, inboxActions, kinds, nexts, queueReasons, refusals, settlementStatuses, statuses, transitions, words } from "/page/words.js";

const POLL_MS = 2000;
const API_WORDS = /`|\w_\w|\/api\/|Retry-After|Idempotency-Key/; // advice with these is for developers
const UNPAID = ["created", "cancelled", "expired"];
const KEYED = ["release", "refund", "resolve_dispute", "settle_review"]; // money asked to move, once
const TO_PARTIES = ["ship", "deliver", "release", "refund", "cancel", "dispute", "withdraw_dispute"];
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
  if (response.status === 204) return null;
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
const moment = (at) => new Date(at).toLocaleString(isTurkish() ? "tr-TR" : "en-GB", { timeZone: "Europe/Istanbul", dateStyle: "medium", timeStyle: "short" });
const filled = (name, part) => word(name).replace("…", part);

// In the largest unit that fits.
function age(seconds) {
  const [unit, length] = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]].find(([, size]) => seconds >= size) ?? ["second", 1];
  return new Intl.NumberFormat(state.language, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(seconds / length));
}

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
  payment.showWords();
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
  $("next").textContent = escrow.next ? `${word("nextIs")}: ${nextIs(escrow.next)} · ${moment(escrow.next.at)}` : "";
  showSteps(escrow);
  showSums(escrow);
  showActions(escrow);
  showFacts(escrow);
  showLastAttempt(escrow);
  showTimeline(escrow);
}

const nextIs = ({ what, about }) => named(nexts, nexts[`${what}:${about}`] ? `${what}:${about}` : what);

function showSteps(escrow) {
  const isHeld = escrow.captured?.amount > 0 || escrow.held.amount > 0 || escrow.released.amount > 0;
  const done = [true, isHeld, isHeld, Boolean(escrow.shipped_at), Boolean(escrow.delivered_at), escrow.status === "released"];
  $("steps").replaceChildren(...word("steps").map((name, i) => element("li", name, done[i] ? "done" : "")));
}

function showSums(escrow) {
  const names = ["amount", "surcharge", "held", "released", "refunded", "charged_back"];
  const shown = names.filter((name) => ["amount", "held", "released"].includes(name) || escrow[name]?.amount);
  $("sums").replaceChildren(...shown.map((name) => {
    const value = element("dd", money(escrow[name]));
    value.dataset.test = name;
    const pair = element("div", "");
    pair.append(element("dt", word(name)), value);
    return pair;
  }));
}

// The forms are made anew only when something else may be done: typing is never lost.
function showActions(escrow) {
  const may = escrow.allowed_actions;
  const isPayable = state.role === "buyer" && may.includes("pay");
  payment.showPayForm(escrow, isPayable);
  const offered = may.filter((action) => action !== "pay");
  const drawn = JSON.stringify([escrow.escrow_id, state.role, state.language, offered, escrow.held, escrow.settlements.length]);
  if ($("actions").dataset.drawn !== drawn) {
    $("actions").dataset.drawn = drawn;
    $("actions").replaceChildren(...offered.sort(inOrder).map((action) => actionForm(action, escrow, tools(), act)));
    openWanted();
  }
  const isIdle = !isPayable && !offered.length;
  $("idle").hidden = !isIdle;
  $("idle").textContent = isIdle ? word("nothingToDo") : "";
  const blocked = escrow.blocked_actions.filter(({ reason }) => reason !== "wrong_status");
  $("blocked-box").hidden = !blocked.length;
  $("blocked").replaceChildren(...blocked.map(({ action, text }) => element("li", `${named(actionNames, action)}: ${text}`)));
}

const tools = () => ({ role: state.role, element, named, word, comma: isTurkish() ? "," : "." });
const place = (action) => Object.keys(actionNames).indexOf(action);
const inOrder = (one, other) => place(one) - place(other);

// A button of the queue leads to the form of its decision.
function openWanted() {
  const box = location.hash.startsWith("#do-") && document.getElementById(location.hash.slice(1));
  if (box) box.open = true;
}

// Deadlines, releases and refunds, disputes: what waits for what.
function showFacts(escrow) {
  const { clocks_stand_since: stands, ...ends } = escrow.deadlines;
  const waits = Object.entries(ends).map(([name, at]) => element("li", `${named(deadlines, name)}: ${moment(at)}`, stands ? "still" : ""));
  if (stands) waits.unshift(element("li", filled("clocksStand", moment(stands))));
  const moves = escrow.settlements.map((it) => told("settlement", it.status, settled(it)));
  const objections = escrow.disputes.map((it) => told("objection", it.status, objected(it)));
  $("facts").replaceChildren(...listed("deadlines", waits), ...listed("settlements", moves), ...listed("disputes", objections), ...listed("staffFacts", staffFacts(escrow)));
}

function told(kind, status, text) {
  const line = element("li", text);
  line.dataset.test = kind;
  line.dataset.status = status;
  return line;
}

function listed(title, lines) {
  if (!lines.length) return [];
  const list = element("ul", "", "facts");
  list.append(...lines);
  return [element("h2", word(title)), list];
}

function settled({ kind, amount, surcharge, status, by, due_at: due, ended_at: ended, why }) {
  const when = status === "scheduled" ? filled("scheduledFor", moment(due)) : named(settlementStatuses, status);
  const beside = surcharge.amount && `+ ${word("surcharge")} ${money(surcharge)}`;
  return [`${named(kinds, kind)} ${money(amount)}`, beside, when, ended && moment(ended), named(actors, by), why].filter(Boolean).join(" · ");
}

function objected({ number, status, reason, evidence, answer_by: until }) {
  const ends = status === "open" && filled("answerBy", moment(until));
  return [`#${number} ${named(disputeStatuses, status)}`, `“${reason}”`, evidence.join(", "), ends].filter(Boolean).join(" · ");
}

// What only operations are shown.
function staffFacts({ flags = [], prior_status: prior, chargeback, captures = [] }) {
  return [
    ...flags.map(({ reason, since }) => `${named(queueReasons, reason)} · ${moment(since)}`),
    prior && filled("cameFrom", statuses[prior][state.language]),
    chargeback && `${word("charged_back")}: ${chargeback.status}${chargeback.loss.amount ? ` · ${word("loss")} ${money(chargeback.loss)}` : ""}`,
    ...captures.map(({ xact_id: id, status, amount }) => `PAYNET ${id} · ${status} · ${amount ? money(amount) : "?"}`),
  ].filter(Boolean).map((text) => element("li", text));
}

// What became of an attempt, and why: our own word for it, or what the bank said without
// its error number, which helps no payer.
function outcomeOf({ status, refusal }) {
  const why = named(refusals, refusal ?? "").replace(/^(?!3-?D )\S*\d\S*\s*|\.$/g, "");
  return [named(attemptStatuses, status), why].filter(Boolean).join(": ");
}

const priceOf = ({ instalments, total }) => instalments > 1 && `${instalments} ${word("instalments")}, ${money(total)}`;

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
    element("li", [`#${attempt.number}`, outcomeOf(attempt), priceOf(attempt), attempt.card, attempt.reference_no].filter(Boolean).join(" · "))));
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

// The human queue: who waits, how long, why, and what may be done about it.
async function showQueue() {
  $("queue").hidden = Boolean(state.escrow) || state.role !== "operations";
  if ($("queue").hidden) return;
  const { waiting } = await api("GET", "/api/operations/queue");
  $("queue-list").replaceChildren(...waiting.map(queueLine));
  if (!waiting.length) $("queue-list").append(element("li", word("nobodyWaits"), "small"));
}

function queueLine({ id, kind, reason, age_s: seconds, status, amount, why, allowed_actions: may }) {
  const line = element("li", "");
  line.dataset.test = "waiting";
  line.dataset.id = id;
  const head = element("div", "", "row");
  head.append(element("strong", named(queueReasons, reason)), element("span", age(seconds), "small"));
  const facts = [status && statuses[status][state.language], amount && money(amount), why && why !== reason && `“${why}”`, !status && id];
  const ways = element("div", "", "ways");
  ways.append(...(kind === "callback" ? may.map((way) => inboxButton(id, way)) : [...may].sort(inOrder).map((action) => decisionLink(id, action))));
  line.append(head, element("span", facts.filter(Boolean).join(" · ")), ways);
  return line;
}

function decisionLink(id, action) {
  const link = element("a", named(actionNames, actionNames[`${action}:operations`] ? `${action}:operations` : action), "button");
  link.href = `/?escrow=${encodeURIComponent(id)}#do-${action}`;
  link.dataset.test = `decide-${action}`;
  return link;
}

function inboxButton(id, way) {
  const button = element("button", named(inboxActions, way));
  button.addEventListener("click", () => doing(button, async () => {
    await api("POST", `/api/operations/inbox/${encodeURIComponent(id)}/${way}`, {});
    await showQueue();
  }));
  return button;
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
  await showQueue();
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

// One of `allowed_actions`: the last word of a path, there for parties and here for staff.
function act(action, said, button) {
  return doing(button, async () => {
    const id = wantedEscrow();
    const isDecision = state.role === "operations" && !TO_PARTIES.includes(action);
    const looked = isDecision && !KEYED.includes(action) ? { version: state.escrow.version } : {};
    const body = { ...said, ...looked };
    const path = isDecision ? `/api/operations/escrows/${encodeURIComponent(id)}/${action}` : pathOf(id, `/${action}`);
    const place = `key ${path} ${JSON.stringify(body)}`;
    await api("POST", path, body, KEYED.includes(action) ? { "Idempotency-Key": keyAt(place) } : {});
    sessionStorage.removeItem(place);
    if (location.hash) history.replaceState({}, "", `/?escrow=${encodeURIComponent(id)}`);
    await refresh();
  });
}

// The key of one decision stays the same until there is an answer, so that pressing again
// never moves the money twice.
function keyAt(place) {
  const key = sessionStorage.getItem(place) ?? crypto.randomUUID();
  sessionStorage.setItem(place, key);
  return key;
}

async function poll() {
  try {
    if (!state.escrow) await showQueue();
    else if (!CLOSED.includes(state.escrow.status)) await lookAgain();
  } catch { /* the next round asks again */ }
  setTimeout(poll, POLL_MS);
}

async function lookAgain() {
  const role = state.role;
  const fresh = await api("GET", pathOf(state.escrow.escrow_id));
  const isMine = fresh.escrow_id === wantedEscrow() && role === state.role;
  if (!isMine || JSON.stringify(fresh) === JSON.stringify(state.escrow)) return;
  state.escrow = fresh;
  showEscrow();
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
  on("pay-form", "submit", payment.pay);
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
  payment.setUp({ api, element, money, word, doing, language: () => state.language, settings: () => state.settings });
  showWords();
  await doing($("language"), everything);
  poll();
}

start().catch(showProblem);
