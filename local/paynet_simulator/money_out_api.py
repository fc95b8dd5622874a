"""PAYNET's calls for money that leaves: reversed_request, escrow_status_update, and the
lists that tell of it. It reads a message, asks the books, and answers."""

from flask import Blueprint, Response

from local.paynet_simulator import answers, door, lists, messages, wire
from local.paynet_simulator.books import Books
from local.paynet_simulator.escrow import Updated
from local.paynet_simulator.records import Escrow
from local.paynet_simulator.refunds import Asked
from local.paynet_simulator.settings import Settings

REVERSED_REQUEST = "/v1/transaction/reversed_request"
REVERSAL_LIST = "/v1/transaction/reversal_list"
LIST = "/v1/transaction/list"
ESCROW_UPDATE = "/v1/transaction/escrow_status_update"

REFUND_NAME = "transaction_reversed_request"


class MoneyOutApi:
    def __init__(self, key: door.Key, books: Books, settings: Settings) -> None:
        self._key = key
        self._books = books
        self._settings = settings

    def blueprint(self) -> Blueprint:
        routes = Blueprint("money_out", __name__)
        routes.before_request(self._key.require)
        for path, call in (
            (REVERSED_REQUEST, self.reversed_request),
            (REVERSAL_LIST, self.reversal_list),
            (LIST, self.list),
            (ESCROW_UPDATE, self.escrow_status_update),
        ):
            routes.add_url_rule(path, view_func=call, methods=["POST"])
        return routes

    def reversed_request(self) -> Response:
        sent = messages.read(messages.ReversedRequest, door.body())
        asked = self._books.ask_refund(
            sent.xact_id, sent.amount_minor, sent.succeed_url or ""
        )
        if asked is Asked.UNKNOWN:
            return answers.not_found(self._settings, object_name=REFUND_NAME)
        if asked is Asked.SAME_DAY:
            return self._same_day()
        code = wire.SUCCESS if asked is Asked.ACCEPTED else wire.NO_PROCESS
        return self._refund_said(code, _ASKED[asked])

    def reversal_list(self) -> Response:
        asked = messages.read(messages.Listing, door.body())
        found = self._books.reversals(asked.first_day, asked.last_day)
        return wire.answer(lists.reversals(self._settings, found, asked))

    def list(self) -> Response:
        asked = messages.read(messages.Listing, door.body())
        found = self._books.listed(
            asked.first_day, asked.last_day, unsuccessful=asked.show_unsucceed
        )
        return wire.answer(lists.transactions(self._settings, found, asked))

    def escrow_status_update(self) -> Response:
        form = self._settings.agent_amount_form
        sent = messages.read(messages.EscrowUpdate, door.body(), form)
        wanted = Escrow(sent.status)
        self._require_dealer(wanted, sent.agent_id)
        updated = self._books.update_escrow(
            wanted, xact_id=sent.xact_id, number=sent.xact, part_minor=sent.agent_amount
        )
        if updated is Updated.UNKNOWN:
            return answers.not_found(self._settings)
        return answers.said(self._settings, *_UPDATED[updated])

    def _same_day(self) -> Response:
        code, message = self._settings.same_day_refusal_code, _ASKED[Asked.SAME_DAY]
        if self._settings.same_day_refusal_http == 200:  # noqa: PLR2004 - a status
            return self._refund_said(code, message)
        raise wire.Refused(400, "invalid_request_error", code, message)

    def _refund_said(self, code: int, message: str) -> Response:
        return answers.said(self._settings, code, message, object_name=REFUND_NAME)

    def _require_dealer(self, wanted: Escrow, agent_id: str | None) -> None:
        needed = self._settings.escrow_needs_dealer and wanted is Escrow.APPROVED
        if needed and not agent_id:
            raise wire.bad_request("agent_id")


_ASKED = {
    Asked.ACCEPTED: answers.SUCCEEDED,
    Asked.NO_SALE: "İade edilebilecek bir satış değil",
    Asked.BEYOND: "İade tutarı kalan tutarı aşıyor",
    Asked.SAME_DAY: "Aynı gün içinde kısmi iade yapılamaz",
    Asked.HELD: "Emanetteki (escrow) işlem iade edilemez",
    Asked.RELEASED: "Emanetten (escrow) çıkmış işlem iade edilemez",
}

_UPDATED = {
    Updated.DONE: (wire.SUCCESS, answers.SUCCEEDED),
    Updated.REPEATED: (wire.OLD_SUCCESSFUL, answers.SUCCEEDED_BEFORE),
    Updated.NO_PERMISSION: (wire.UNAUTHORIZED, answers.NO_PERMISSION),
    Updated.NO_ESCROW: (wire.NO_PROCESS, "Emanet (escrow) işlemi değil"),
    Updated.DECIDED: (wire.NO_PROCESS, "Emanet (escrow) kararı daha önce verildi"),
    Updated.BEYOND: (wire.NO_PROCESS, "Tutar kalan tutarı aşıyor"),
    Updated.PARTIAL: (wire.NO_PROCESS, "Kısmi onay yapılamaz"),
}
