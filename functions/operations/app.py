"""/api/operations: the human queues, and what operations decide. The last word of a
decision's path is the action that `allowed_actions` offers."""

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, reports, schemas
from emanet.entrypoint import HttpFunction, escrow_id, json_answer, named
from emanet.usecases import operate

app = lambda_handler = HttpFunction()


@app.get("/api/operations/queue")
def queue() -> Response[str]:
    asked = schemas.queue_asked(app.query("reason", ""), app.query("limit", "50"))
    store, desk, now = bootstrap.store(), bootstrap.desk(), bootstrap.clock()
    waiting = operate.queue(asked, app.caller, desk=desk, queues=store, inbox=store)
    shown = [reports.waiting_view(each, app.caller, now) for each in waiting]
    return json_answer({"waiting": shown})


@app.post("/api/operations/escrows/<id_>/<word>")
def decide(id_: str, word: str) -> Response[str]:
    named(word, operate.WAYS)
    key = app.header("idempotency-key")
    decision = app.body(schemas.DecisionBody).decision(word, key)
    desk = bootstrap.desk()
    return app.answer(operate.decide(escrow_id(id_), decision, app.caller, desk))


@app.post("/api/operations/inbox/<id_>/<word>")
def answer_callback(id_: str, word: str) -> Response[str]:
    change = named(word, operate.CALLBACK_WAYS)
    app.body(schemas.EmptyBody)
    desk, inbox = bootstrap.desk(), bootstrap.store()
    operate.answer_callback(id_, change, app.caller, desk=desk, inbox=inbox)
    return json_answer({"id": id_, "done": word})
