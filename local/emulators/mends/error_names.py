"""A thrown error keeps its name. MiniStack's Node worker reports each as Runtime.HandlerError, so that no Retry or
Catch by name would match; Lambda reports the error's `name` as errorType (nodejs-exceptions page of Lambda's guide)."""
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from .source import take

# No message of a handler has it; the worker's answer is one line of JSON.
MARK = "\u0001clowder\u0001"
THROWN = (
    ("error: String(err.message || err), trace", "err", "err.message || err"),
    ("error: e.message, trace", "e", "e.message"),
)


def apply():
    script = take(lambda_runtime, "_NODEJS_WORKER_SCRIPT", "4c6fe8a41c8f")
    for old, error, message in THROWN:
        named = f'error: String(({error} && {error}.name) || "Error") + {MARK!r} + String({message}), trace'
        script = script.replace(old, named)
    lambda_runtime._NODEJS_WORKER_SCRIPT = script

    execute = take(lambda_svc, "_execute_function_warm", "62b9218bef5b")

    def execute_keeping_names(func, event, request_id):
        answer = execute(func, event, request_id)
        body = answer.get("body")
        if answer.get("error") and isinstance(body, dict) and MARK in str(body.get("errorMessage")):
            body["errorType"], _, body["errorMessage"] = body["errorMessage"].partition(MARK)
            answer["log"] = answer.get("log", "").replace(MARK, ": ")
        return answer

    lambda_svc._execute_function_warm = execute_keeping_names
