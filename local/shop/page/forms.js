// What a person may do, as forms: one for each word of `allowed_actions`, with the fields
// that its body needs. It decides nothing: the API said what may be done.
import { actionNames, actionTexts, fields } from "/page/words.js";

const PLAIN = ["ship", "deliver", "release"]; // the usual way, shown without a click
const AMOUNT = /^\d{1,8}([.,]\d{1,2})?$/;

const text = (name, value = "") => ({ name, kind: "text", value });
const reason = { name: "reason", kind: "text", min: 3, max: 120 };
const amount = (name, value) => ({ name, kind: "amount", value });
const choice = (name, options) => ({ name, kind: "choice", options });

// The fields of an action; those that are there to choose from come out of the escrow.
function fieldsOf(action, escrow, role) {
  const staff = role === "operations";
  switch (action) {
    case "ship": return [text("carrier", "Yurtiçi Kargo"), text("tracking_number", "TR123456789")];
    case "dispute": return [reason];
    case "refund": case "release": return staff ? [amount("amount"), reason] : action === "refund" ? [amount("amount")] : [];
    case "resolve_dispute": case "settle_review":
      return [amount("release", escrow.held), amount("refund", { ...escrow.held, amount: 0 }), reason];
    case "withdraw_settlement": return [choice("settlement", unsent(escrow)), reason];
    case "answer_surplus": return [choice("settlement", surplus(escrow)), choice("done", [[true, "yes"], [false, "no"]]), reason];
    case "accept_mismatch": case "refund_capture": return [choice("xact_id", mismatched(escrow)), reason];
    case "deliver": case "cancel": case "withdraw_dispute": return [];
    default: return [reason]; // every other decision of operations
  }
}

const unsent = ({ settlements }) => settlements.filter(({ status }) => ["scheduled", "suspended"].includes(status)).map(({ key }) => [key, key]);
const surplus = ({ captures = [] }) => captures.filter(({ refund }) => refund && refund.status !== "done").map(({ refund }) => [refund.key, refund.key]);
const mismatched = ({ captures = [] }) => captures.filter(({ status }) => status === "mismatched").map(({ xact_id: id }) => [id, id]);

// Lira as people write them, in whole kuruş; null for what is no amount.
export function kurus(written) {
  const plain = written.replaceAll(" ", "");
  if (!AMOUNT.test(plain)) return null;
  const [lira, cents = ""] = plain.split(/[.,]/);
  return Number(lira) * 100 + Number(cents.padEnd(2, "0"));
}

export const written = ({ amount: minor }, comma) => `${(minor - (minor % 100)) / 100}${comma}${String(minor % 100).padStart(2, "0")}`;

// One form; `act(action, body, button)` is what pressing its button does.
export function actionForm(action, escrow, page, act) {
  const wanted = fieldsOf(action, escrow, page.role);
  const form = document.createElement("form");
  form.className = "action";
  form.autocomplete = "off";
  form.noValidate = false;
  const inputs = new Map(wanted.map((field) => [field, input(field, action, page)]));
  for (const [field, made] of inputs) form.append(labelled(field, made, page));
  const button = page.element("button", page.named(actionNames, nameOf(action, page.role)), PLAIN.includes(action) ? "primary" : "");
  button.dataset.test = action;
  form.append(button);
  balance(inputs, escrow, page);
  form.addEventListener("submit", (happened) => {
    happened.preventDefault();
    act(action, bodyOf(inputs), button);
  });
  return PLAIN.includes(action) && page.role !== "operations" ? form : folded(action, form, page);
}

const nameOf = (action, role) => (actionNames[`${action}:${role}`] ? `${action}:${role}` : action);

function folded(action, form, page) {
  const box = document.createElement("details");
  const name = nameOf(action, page.role);
  const summary = page.element("summary", page.named(actionNames, name));
  summary.dataset.test = `open-${action}`;
  box.id = `do-${action}`;
  box.className = "more";
  box.append(summary);
  if (actionTexts[name]) box.append(page.element("p", page.named(actionTexts, name), "small"));
  box.append(form);
  return box;
}

function input(field, action, page) {
  const made = document.createElement(field.kind === "choice" ? "select" : "input");
  made.dataset.test = `${action}-${field.name}`;
  if (field.kind === "choice") {
    made.append(...field.options.map(([value, name]) => new Option(page.word(name) ?? name, value)));
    return made;
  }
  made.required = field.kind === "text" || Boolean(field.value);
  if (field.min) made.minLength = field.min;
  made.maxLength = field.max ?? 64;
  made.value = field.kind === "amount" && field.value ? written(field.value, page.comma) : field.value ?? "";
  if (field.kind === "amount") {
    made.inputMode = "decimal";
    made.placeholder = page.word("allAvailable");
    made.addEventListener("input", () => made.setCustomValidity(made.value && kurus(made.value) === null ? page.word("noAmount") : ""));
  }
  return made;
}

function labelled(field, made, page) {
  const label = document.createElement("label");
  label.append(page.element("span", page.named(fields, field.name)), made);
  return label;
}

// Both legs sum to what is held: what is written in one is taken from the other.
function balance(inputs, escrow, page) {
  const legs = [...inputs].filter(([{ name }]) => name === "release" || name === "refund").map(([, made]) => made);
  if (legs.length !== 2) return;
  for (const [one, other] of [legs, [...legs].reverse()]) {
    one.addEventListener("input", () => {
      const minor = kurus(one.value);
      if (minor !== null && minor <= escrow.held.amount) other.value = written({ amount: escrow.held.amount - minor }, page.comma);
    });
  }
}

function bodyOf(inputs) {
  const body = {};
  for (const [{ name, kind }, made] of inputs) {
    if (!made.value) continue;
    if (kind === "amount") body[name] = { amount: kurus(made.value), currency: "TRY" };
    else body[name] = name === "done" ? made.value === "true" : made.value;
  }
  return body;
}
