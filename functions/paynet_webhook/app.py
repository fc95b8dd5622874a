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
    metrics.add_metric("CallbackReceived", MetricUnit.Count, 1)
    raw, headers = raw_body(app.event), app.event["headers"]
    source_ip = app.event["requestContext"]["http"]["sourceIp"]
    gate, clock = bootstrap.webhook_gate(), bootstrap.clock
    if why := gate.refusal(source_ip, headers, raw, clock()):
        metrics.add_metric("CallbackRefused", MetricUnit.Count, 1)
        logger.warning("callback refused", why=why)
        raise CallbackRefused
    inbox, read = bootstrap.store(), bootstrap.read_callback
    receive_callback(app.event["rawPath"], raw, read=read, inbox=inbox, clock=clock)
    return json_answer({"received": True})
