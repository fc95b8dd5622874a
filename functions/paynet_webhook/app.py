"""POST /api/webhooks/paynet-callback: through the gate, into the inbox, 200."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import MetricUnit

from emanet import bootstrap
from emanet.entrypoint import HttpFunction, json_answer, logger, raw_body
from emanet.errors import CallbackRefused
from emanet.usecases.receive_callback import receive_callback

app = HttpFunction()
metrics = Metrics()
lambda_handler = metrics.log_metrics(app)


@app.post("/api/webhooks/paynet-callback")
def receive() -> Response[str]:
    raw = raw_body(app.event)
    source_ip = app.event["requestContext"]["http"]["sourceIp"]
    why = bootstrap.webhook_gate().refusal(
        source_ip, app.event["headers"], raw, bootstrap.clock()
    )
    metrics.add_metric(
        "CallbackRefused" if why else "CallbackKept", MetricUnit.Count, 1
    )
    if why:
        logger.warning("callback refused", why=why)
        raise CallbackRefused
    receive_callback(
        app.event["rawPath"],
        raw,
        read=bootstrap.read_callback,
        inbox=bootstrap.store(),
        clock=bootstrap.clock,
    )
    return json_answer({"received": True})
