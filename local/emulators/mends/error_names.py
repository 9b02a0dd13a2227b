"""A thrown error keeps its name and its environment, a process that ended is an error of its own, as in Lambda. MiniStack's Node worker
reports each error as Runtime.HandlerError, so that no Retry or Catch by name would match, and starts anew after it.
https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html, https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from .source import take

# No answer of a handler has it as its key.
THROWN = "\u0001thrown"
REPORTS = (
    ('status: "error", error: String(err.message || err), trace: err.stack || ""', "err"),
    ('status: "error", error: e.message, trace: e.stack', "e"),
)
ENDED = "Worker process died"


def apply():
    script = take(lambda_runtime, "_NODEJS_WORKER_SCRIPT", "4c6fe8a41c8f")
    for old, error in REPORTS:
        if old not in script:
            raise SystemExit("ministack's Node worker reports errors in another way: review local/emulators/mends/error_names.py")
        fields = (f'errorType: String({error}.name || "Error")', f"errorMessage: String({error}.message || {error})",
                  f'trace: String({error}.stack || "").split("\\n")')
        script = script.replace(old, f'status: "ok", result: {{ "\\u0001thrown": {{ {", ".join(fields)} }} }}')
    lambda_runtime._NODEJS_WORKER_SCRIPT = script

    execute = take(lambda_svc, "_execute_function_warm", "62b9218bef5b")

    def execute_keeping_names(func, event, request_id):
        answer = execute(func, event, request_id)
        body = answer.get("body")
        if isinstance(body, dict) and THROWN in body:
            thrown = body[THROWN]
            log = "\n".join(filter(None, [answer.get("log"), *thrown["trace"]]))
            return {"body": thrown, "error": True, "log": log}
        if answer.get("error") and isinstance(body, dict) and body.get("errorMessage") == ENDED:
            body.update(errorType="Runtime.ExitError", errorMessage=f"RequestId: {request_id} Error: Runtime exited with error: signal: killed")
        return answer

    lambda_svc._execute_function_warm = execute_keeping_names
