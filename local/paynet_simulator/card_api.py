"""PAYNET's calls around cards, for a shop's server: ratio/Get and the stored cards. It
reads a message, asks the vault, and answers; a card's number ends here."""

from flask import Blueprint, Response

from local.paynet_simulator import answers, card_answers, door, messages, ratios, wire
from local.paynet_simulator import card_messages as said
from local.paynet_simulator.ratios import Bank
from local.paynet_simulator.records import CardFace, NewCard
from local.paynet_simulator.settings import Settings
from local.paynet_simulator.vault import Vault

RATIO = "/v1/ratio/Get"
SAVE = "/v1/card/save"
LIST = "/v1/card/list"
DELETE = "/v1/card/delete"
RENAME = "/v1/card/desc_update"

NO_CARD = "Kart bulunamadı"
NO_OWNER = "Kart sahibi bulunamadı"
WRONG_CARD = "Hatalı kart bilgisi"


class CardApi:
    def __init__(self, key: door.Key, vault: Vault, settings: Settings) -> None:
        self._key = key
        self._vault = vault
        self._settings = settings

    def blueprint(self) -> Blueprint:
        routes = Blueprint("cards", __name__)
        routes.before_request(self._key.require)
        for path, call in (
            (RATIO, self.ratios),
            (SAVE, self.save),
            (LIST, self.list),
            (DELETE, self.delete),
            (RENAME, self.rename),
        ):
            routes.add_url_rule(path, view_func=call, methods=["POST"])
        return routes

    def ratios(self) -> Response:
        asked = messages.read(said.Ratio, door.body())
        every = dict.fromkeys(ratios.BANKS.values())
        banks = list(every) if asked.bin is None else [ratios.bank_of(asked.bin)]
        return answers.said(
            self._settings,
            wire.SUCCESS,
            answers.SUCCEEDED,
            object_name="ratio_get",
            tds_required=self._settings.tds_required,
            data=[self._priced(bank, asked) for bank in banks],
        )

    def save(self) -> Response:
        asked = messages.read(said.CardSave, door.body())
        if asked.user_unique_id is None and asked.card_owner_id is None:
            raise wire.bad_request("user_unique_id")
        if not self._vault.knows_owner(asked.user_unique_id, asked.card_owner_id):
            return answers.said(self._settings, wire.NO_DATA, NO_OWNER)
        face = self._vault.face(
            asked.card_number.get_secret_value(),
            asked.card_holder,
            int(asked.expire_month),
            int(asked.expire_year),
        )
        if face is None:
            return answers.said(self._settings, wire.WRONG_CARD, WRONG_CARD)
        if asked.cvv is not None and face.card.decline is not None:
            return self._probe_declined(face)
        card = self._vault.store(
            NewCard(face, asked.card_desc, asked.user_unique_id, asked.card_owner_id)
        )
        return wire.answer(card_answers.stored(self._settings, card))

    def list(self) -> Response:
        asked = messages.read(said.CardList, door.body())
        found = self._vault.cards(asked.card_owner_id)
        if self._settings.list_order == "newest_first":
            found.reverse()
        return wire.answer(card_answers.listed(self._settings, found, asked))

    def delete(self) -> Response:
        asked = messages.read(said.NamedCard, door.body())
        gone = self._vault.delete(asked.card_owner_id, asked.card_hash)
        return self._done(found=gone)

    def rename(self) -> Response:
        asked = messages.read(said.RenamedCard, door.body())
        found = self._vault.rename(
            asked.card_owner_id, asked.card_hash, asked.card_desc
        )
        return self._done(found=found)

    def _priced(self, bank: Bank, asked: said.Ratio) -> wire.Body:
        prices = ratios.prices(
            bank,
            asked.amount_minor,
            on_top=asked.addcomission_to_amount,
            discount=self._settings.ratios_discount,
        )
        code = asked.ratio_code or ""
        rows = [card_answers.price(self._settings, price, code) for price in prices]
        return card_answers.bank(self._settings, bank) | {"ratio": rows}

    def _probe_declined(self, face: CardFace) -> Response:
        """With a `cvv` PAYNET tries the card for 1 TL, which the bank refused."""
        reason = face.card.decline.turkish if face.card.decline else ""
        return answers.said(self._settings, wire.UNSUCCESSFUL, reason)

    def _done(self, *, found: bool) -> Response:
        if not found:
            return answers.said(self._settings, wire.CARD_NOT_FOUND, NO_CARD)
        return answers.said(self._settings, wire.SUCCESS, answers.SUCCEEDED)
