"""The bank's 3-D Secure page: asks the card holder for the password and sends the
browser back to the shop, or tells the page around it when PAYNET's form opened it. It
takes no money."""

from urllib.parse import urlencode

from flask import Blueprint, Response, g, make_response, render_template, request

from local.paynet_simulator import wire
from local.paynet_simulator.books import Books
from local.paynet_simulator.records import Session, ThreeDs
from local.paynet_simulator.sessions import PASSWORD_TRIES
from local.paynet_simulator.settings import Settings

PAGE = "/bank/3d"


class BankPage:
    def __init__(self, books: Books, settings: Settings) -> None:
        self._books = books
        self._settings = settings

    def blueprint(self) -> Blueprint:
        routes = Blueprint("bank", __name__)
        routes.add_url_rule(PAGE, "page", self.page, methods=["GET", "POST"])
        return routes

    def page(self) -> Response:
        sent = request.values
        session = self._books.session(
            sent.get("session_id", ""), sent.get("token_id", "")
        )
        if session is None:
            return _private(render_template("no_session.html"), 404)
        g.visit.session_id = session.session_id
        g.visit.reference_no = session.payment.reference_no
        return self._shown(session, self._decide(session))

    def _decide(self, session: Session) -> ThreeDs:
        # Only a submitted form decides; opening the page, however it is opened, shows.
        button = request.form.get("button") if request.method == "POST" else None
        if button == "cancel":
            return self._books.cancel_at_bank(session)
        if button == "approve":
            password = request.form.get("password", "")
            return self._books.answer_bank(session, password)
        return session.three_ds

    def _shown(self, session: Session, state: ThreeDs) -> Response:
        ids = {"session_id": session.session_id, "token_id": session.token_id}
        if state is ThreeDs.OPEN:
            return _private(self._password_page(session, ids))
        passed = state is ThreeDs.PASSED
        if session.form:
            message = self._message(ids, passed=passed)
            return _private(render_template("message.html", message=message))
        fields = ids if passed else self._failure(ids)
        action = session.payment.return_url
        return _private(render_template("hop.html", action=action, fields=fields))

    def _password_page(self, session: Session, ids: dict[str, str]) -> str:
        payment = session.payment
        return render_template(
            "bank.html",
            fields=ids,
            framed=session.form is not None,
            merchant=payment.domain,
            amount=wire.lira(payment.amount_minor, "comma"),
            card=payment.card_masked,
            hint=payment.card.password,
            tries_left=PASSWORD_TRIES - session.wrong_passwords,
            wrong=session.wrong_passwords > 0,
        )

    def _failure(self, ids: dict[str, str]) -> dict[str, str]:
        if self._settings.failed_3d_posts_ids:
            return ids
        return {"message": "3D doğrulama başarısız"}

    def _message(self, ids: dict[str, str], *, passed: bool) -> str:
        """What the iframe tells the page around it, written like a query."""
        if passed or self._settings.failed_3d_posts_ids:
            return urlencode({"command": "form-post"} | ids)
        return urlencode({"command": "close-iframe"})


def _private(page: str, status: int = 200) -> Response:
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
