"""The switches: everything that PAYNET's documentation leaves open or says twice. Each
default is the reading with the best grade; it never holds a secret."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RefundWay = Literal["auto", "manual", "never", "deny"]
YesOrNo = Literal["accepted", "refused"]


class Settings(BaseModel):
    """Set an attribute, or POST any of them to /_simulator/settings."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    clock_offset_s: float = 0
    session_life_s: float = Field(default=1800, ge=0)
    slow_s: float = Field(default=5, ge=0)
    hang_s: float = Field(default=60, ge=0)

    numeric_amounts_accepted: bool = False
    used_reference_refused: bool = False
    post_url: Literal["with_parameters", "bare"] = "with_parameters"
    failed_3d_posts_ids: bool = False
    declined_code: Literal[0, 1] = 0
    declined_repeat: Literal["same", "used_session"] = "same"

    code_style: Literal["number", "string"] = "number"
    amount_style: Literal["number", "dot", "comma"] = "number"
    date_style: Literal["iso", "turkish", "absent"] = "iso"
    currency: Literal["TRY", "TL"] | None = "TRY"
    instalment: Literal[0, 1] | None = 0
    instalment_shown: Literal["asked", "absent", "single"] = "asked"
    reference_field: Literal["agent_reference", "reference_no", "both"] = (
        "agent_reference"
    )
    net_amount_field: Literal["netAmount", "net_amount", "both"] = "netAmount"
    commission_spelling: Literal["comission", "commission"] = "comission"
    unknown_reference: Literal["no_data", "not_found"] = "no_data"

    tds_required: bool = False
    ratios_total_style: Literal["lira", "kurus"] = "lira"
    ratios_discount: bool = False
    save_card_result: Literal["ok", "refused", "absent"] = "ok"
    card_saved_twice: Literal["same", "another"] = "same"
    deleted_card_charges: bool = True
    charge_reference: Literal["agent_reference_no", "absent"] = "agent_reference_no"

    refunds: RefundWay = "auto"
    refund_delay_s: float = Field(default=0, ge=0)
    refund_callbacks: Literal["sent", "lost", "duplicate", "late"] = "sent"
    refund_callback_delay_s: float = Field(default=5, ge=0)
    refund_callback_xact_id: Literal["sale", "reversal"] = "sale"
    same_day_refusal_code: int = Field(default=6, ge=1, le=201)
    same_day_refusal_http: Literal[200, 400] = 200
    partial_sets_reversed: bool = False
    commission_on_refund: Literal["kept", "returned"] = "kept"

    list_date_style: Literal["turkish", "iso"] = "turkish"
    list_order: Literal["oldest_first", "newest_first"] = "oldest_first"
    list_limit_max: int = Field(default=100, ge=1)
    empty_list: Literal["empty", "no_data"] = "empty"
    reversal_amount_listed: bool = True
    reversal_list_delay_s: float = Field(default=0, ge=0)
    reversal_list_rows: Literal["executed", "requested"] = "executed"

    escrow_permission: Literal["on", "off"] = "on"
    escrow_reject: Literal["nothing", "refunds"] = "nothing"
    escrow_second_update: Literal["refused", "repeated"] = "refused"
    escrow_change_of_mind: YesOrNo = "refused"
    escrow_partial: Literal["refused", "rest_stays"] = "refused"
    escrow_auto_release_days: int | None = Field(default=None, ge=0)
    escrow_state_listed: bool = False
    escrow_refund: YesOrNo = "accepted"
    escrow_refund_released: YesOrNo = "accepted"
    escrow_needs_dealer: bool = False
    agent_amount_form: Literal["any", "number", "dot", "comma", "kurus"] = "any"

    def change(self, wanted: dict[str, Any]) -> None:
        """All of them or, when one is wrong, none."""
        good = Settings.model_validate(self.model_dump() | wanted)
        for name in type(self).model_fields:
            setattr(self, name, getattr(good, name))

    def restore(self) -> None:
        self.change(Settings().model_dump())
