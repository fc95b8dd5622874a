"""PAYNET's callbacks: through a gate (address and signature, or our secret path)."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from emanet import bootstrap, entrypoint
from emanet.entrypoint import Event, escrow_id, json_answer, logger, raw_body
from emanet.errors import CallbackRefused
from emanet.usecases.receive_callback import OrderPath, is_ours, receive_callback

app, metrics = entrypoint.HttpFunction(), Metrics()


@metrics.log_metrics
def lambda_handler(event: Event, context: LambdaContext) -> Event:
    metrics.add_metric("CallbackReceived", MetricUnit.Count, 1)
    return app(event, context)


@app.post("/api/webhooks/paynet-callback")
def receive() -> Response[str]:
    raw, headers = raw_body(app.event), app.event["headers"]
    gate, now = bootstrap.webhook_gate(), bootstrap.clock()
    if why := gate.refusal(app.source_ip, headers, raw, now):
        raise _refused(why)
    return _kept(raw)


@app.post("/api/webhooks/paynet-callback/<id_>/<subject>/<secret>")
def receive_of_order(id_: str, subject: str, secret: str) -> Response[str]:
    of, raw = OrderPath(escrow_id(id_), subject, secret), raw_body(app.event)
    if not is_ours(of, bootstrap.store()):
        raise _refused("secret")
    return _kept(raw, of)


def _kept(raw: bytes, of: OrderPath | None = None) -> Response[str]:
    read = bootstrap.read_refund_callback if of else bootstrap.read_callback
    path, inbox = app.event["rawPath"], bootstrap.store()
    receive_callback(path, raw, read=read, inbox=inbox, clock=bootstrap.clock, of=of)
    return json_answer({"received": True})


def _refused(why: str) -> CallbackRefused:
    metrics.add_metric("CallbackRefused", MetricUnit.Count, 1)
    logger.warning("callback refused", why=why)
    return CallbackRefused()
