"""Every API call as a line of JSON in the file CALL_LOG: when, who, which action, which answer."""
import contextvars
import json
import os
import time

from ministack import app
from ministack.core import iam_actions, iam_evaluator

from .source import take

action_of_call = contextvars.ContextVar("action_of_call", default=None)


def apply():
    dispatch = take(app, "_dispatch_service_request", "17e5ef6dcfa0")
    extract = take(iam_actions, "extract_iam_action", "ec476b92d969")
    log = open(os.environ["CALL_LOG"], "a", buffering=1, encoding="utf-8")

    def extract_and_note(*request):
        action = extract(*request)
        action_of_call.set(action)
        return action

    async def dispatch_and_log(*request):
        began = time.time()
        action_of_call.set(None)
        answer = await dispatch(*request)
        if action := action_of_call.get():
            line = {"at": began, "seconds": round(time.time() - began, 4), "action": action, "caller": iam_evaluator.caller_arn(), "status": answer[0]}
            if answer[0] >= 400:
                line["answer"] = answer[2][:400].decode(errors="replace") if isinstance(answer[2], bytes) else ""
            log.write(json.dumps(line) + "\n")
        return answer

    app._dispatch_service_request = dispatch_and_log
    iam_actions.extract_iam_action = extract_and_note
