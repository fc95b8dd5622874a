"""PAYNET's callbacks: through a gate, into the inbox, 200. One gate is address and
signature; the other is the secret in a path that we ourselves handed to PAYNET."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import MetricUnit

from emanet import bootstrap
from emanet.entrypoint import HttpFunction, escrow_id, json_answer, logger, raw_body
from emanet.errors import CallbackRefused
from emanet.usecases.receive_callback import OrderPath, is_ours, receive_callback

app = HttpFunction()
metrics = Metrics()
lambda_handler = metrics.log_metrics(app)


@app.post("/api/webhooks/paynet-callback")
def receive() -> Response[str]:
    metrics.add_metric("CallbackReceived", MetricUnit.Count, 1)
    raw, headers = raw_body(app.event), app.event["headers"]
    source_ip = app.event["requestContext"]["http"]["sourceIp"]
    gate = bootstrap.webhook_gate()
    if why := gate.refusal(source_ip, headers, raw, bootstrap.clock()):
        raise _refused(why)
    return _kept(raw)


@app.post("/api/webhooks/paynet-callback/<id_>/<subject>/<secret>")
def receive_of_order(id_: str, subject: str, secret: str) -> Response[str]:
    metrics.add_metric("CallbackReceived", MetricUnit.Count, 1)
    of = OrderPath(escrow_id(id_), subject, secret)
    raw = raw_body(app.event)
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
