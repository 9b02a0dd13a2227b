"""What Lambdas print is also in the file LAMBDA_LOG, one line each with the function's name: CloudWatch Logs end with MiniStack."""
import os

from ministack.core import lambda_runtime

from .error_names import THROWN
from .source import take


def apply():
    invoke = take(lambda_runtime.Worker, "invoke", "96751a754710")
    log = open(os.environ["LAMBDA_LOG"], "a", buffering=1, encoding="utf-8")

    def invoke_and_log(self, *event, **context):
        answer = invoke(self, *event, **context)
        for line in (answer.get("log") or "").splitlines():
            log.write(f"{self.func_name} {line}\n")
        result = answer.get("result")
        thrown = result.get(THROWN) if isinstance(result, dict) else None
        if thrown or answer.get("status") != "ok":
            log.write(f"{self.func_name} failed: {thrown['errorType'] + ': ' + thrown['errorMessage'] if thrown else answer.get('error')}\n")
        return answer

    lambda_runtime.Worker.invoke = invoke_and_log
