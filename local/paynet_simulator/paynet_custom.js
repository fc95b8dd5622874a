// The simulator's stand-in for PAYNET's paynet-custom.js, written anew. The page carries
//   <script class="paynet-button" src="…" data-form="#form" data-key="…" data-amount="130,00">
// It opens a session, asks about the card's bank, has the card turned into a token, shows
// the bank's page in an iframe, and submits the form with session_id and token_id.
(function () {
  "use strict";
  const button = document.currentScript;
  const origin = new URL(button.src).origin;
  const state = { session: "", bin: "", tdsRequired: true };

  // data-paynet of an input → what PAYNET calls it; the code and text when it is missing.
  const FIELDS = {
    number: ["pan", 1, "Kart numarası zorunlu"],
    cvv: ["cvc", 3, "CVC kodu zorunlu"],
    "exp-month": ["month", 5, "Ay bilgisi zorunlu"],
    "exp-year": ["year", 8, "Yıl bilgisi zorunlu"],
    installmentKey: ["instalment_key", 13, "Taksit bilgisi zorunlu"],
    holderName: ["card_holder", 15, "Kart sahibi bilgisi zorunlu"],
  };
  const SECURE = ["number", "cvv", "exp-month", "exp-year"];

  // One handler an event: the last one that the page gave.
  const handlers = {}, events = {};
  for (const name of ["onLoad", "onAuthentication", "onCheckBin", "onPaymentClick",
    "validationError", "onCreateToken", "onTdsRedirect", "onFormSubmiting"]) {
    events[name] = (handler) => { handlers[name] = handler; };
  }
  const tell = (name, what) => { if (handlers[name]) handlers[name](what); };

  const told = (name) => button.getAttribute("data-" + name) ?? undefined;
  const isOn = (name, usual) => (told(name) ?? String(usual)) === "true";
  const digits = (text) => text.replace(/[ -]/g, "");
  const form = () => document.querySelector(told("form"));
  const inputs = (name) => document.querySelectorAll(`[data-paynet="${name}"]`);

  // Lira as Turks write it: a dot between thousands, a comma before kuruş.
  const kurus = (text) =>
    Math.round(parseFloat(text.replace(/\./g, "").replace(",", ".")) * 100);

  // PAYNET's script hears of an answer by its HTTP status, never by its code.
  async function call(path, body, then) {
    const answer = await fetch(origin + "/v1/paynetj/" + path, {
      method: "POST",
      headers: {
        "Authorization": "Basic " + told("key"),
        "Content-Type": "application/json; charset=UTF-8",
      },
      body: JSON.stringify({ token: told("key"), ...body }),
    });
    const said = await answer.json();
    then(answer.ok ? { ...said, ok: true }
      : { ok: false, code: said.result_code, message: said.message });
  }

  function authenticate() {
    const asked = { domain: location.origin, amount: kurus(told("amount") ?? "0") };
    for (const name of ["pos_type", "ratio_code", "return_url"]) asked[name] = told(name);
    asked.agent_id = told("agent");
    asked.add_commission = told("add_commission_amount");
    asked.tds_required = isOn("tds_required", true);
    asked.show_tds_error = isOn("show_tds_error", true);
    asked.save_card = isOn("save_card", false);
    call("auth?type=CF", asked, (said) => {
      state.session = said.session_id ?? "";
      state.tdsRequired = said.tds_required === true || asked.tds_required;
      tell("onAuthentication", said);
    });
  }

  function checkBin(number) {
    const bin = digits(number).slice(0, 6);
    if (bin.length < 6) {
      state.bin = "";
      tell("onCheckBin");
    } else if (state.session && bin !== state.bin) {
      state.bin = bin;
      const asked = { bin, session_id: state.session, no_instalment: isOn("no_instalment", false) };
      call("check_bin", asked, (said) => tell("onCheckBin", said.ok ? bankOf(said) : said));
    }
  }

  function bankOf(said) {
    const bank = { id: said.bank_id, name: said.bank_name, logoUrl: said.bank_logo,
      tdsEnable: said.tds_enable, installments: said.data };
    const tdsState = state.tdsRequired ? "required" : "optional";
    return { ok: true, cardType: said.card_type, tdsState, bank };
  }

  function pay(click) {
    click.preventDefault();
    tell("onPaymentClick");
    const model = { session_id: state.session };
    for (const [name, [field, code, message]] of Object.entries(FIELDS)) {
      model[field] = inputs(name)[0]?.value ?? "";
      if (name === "number") model[field] = digits(model[field]);
      if (!model[field]) return tell("validationError", { ok: false, code, message });
    }
    model.do_3ds = state.tdsRequired || inputs("do3D")[0]?.checked === true;
    call("create_token", model, (said) => {
      tell("onCreateToken", said.ok ? { ok: true, is3DPayment: said.is_tds } : said);
      if (said.ok && said.is_tds) openBank(said);
      else if (said.ok) submit({ session_id: state.session, token_id: said.token_id });
    });
  }

  function openBank(said) {
    tell("onTdsRedirect");
    const frame = document.createElement("iframe");
    frame.className = "payment-iframe";
    frame.src = said.post_url + "?" + new URLSearchParams({ session_id: state.session,
      token_id: said.token_id, publishable_key: told("key") });
    frame.style.cssText = "position:fixed;inset:0;width:100%;height:100%;border:0;" +
      "z-index:9999;background:white";
    document.body.append(frame);
  }

  function submit(ids) {
    for (const [name, value] of Object.entries(ids)) {
      const input = document.createElement("input");
      form().append(Object.assign(input, { type: "hidden", name, value }));
    }
    for (const input of SECURE.flatMap((name) => [...inputs(name)])) {
      input.removeAttribute("name");
      input.removeAttribute("id");
    }
    tell("onFormSubmiting");
    form().submit();
  }

  function hear(message) {
    if (message.origin !== origin || typeof message.data !== "string") return;
    const { command, ...ids } = Object.fromEntries(new URLSearchParams(message.data));
    if (command === "close-iframe") document.querySelector(".payment-iframe")?.remove();
    if (command === "form-post") submit(ids);
  }

  function start() {
    inputs("submit")[0].addEventListener("click", pay);
    // As PAYNET's: at a key only. A page that fills in a number asks services.checkBin.
    inputs("number")[0].addEventListener("keyup", (key) => checkBin(key.target.value));
    addEventListener("message", hear);
    authenticate();
    tell("onLoad");
  }

  window.Paynet = { events, services: { auth: authenticate, checkBin } };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
