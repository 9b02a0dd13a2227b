"""Breaks one call of a Lambda's, as the file FAULT says, after AWS's authentication and authorisation; writes each call that a Lambda
makes into the file FAULT_LOG. Calls are counted by function and action since the fault was armed; a call that the SDK sends again
under the same `amz-sdk-invocation-id` is the same call. `local/faults` arms, reads, and says what each kind of fault is."""
import json
import os
import re
from collections import Counter, namedtuple

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime

from . import fault_answers
from .call_log import action_of_call
from .source import take
from .unseen import Unseen

# `function` is as serverless.yml names it, `action` as IAM does.
Call = namedtuple("Call", "service action function invocation method path headers body query")
LAMBDA = re.compile(r":assumed-role/[^/]+-lambdaRole/(?P<name>[^/]+)$")


class Fault:
    """One armed fault; with no kind it only counts."""

    def __init__(self, case="", kind=None, function="", action="", nth=0, cold=False):
        self.case, self.kind, self.target, self.nth = case, kind, (function, action), nth
        self.calls = Counter()
        self.numbers = {}
        self.hiding = Unseen(self.hidden) if kind in ("unseen", "killed-unseen") else None
        if cold:
            end(function, idle=True)

    def hidden(self, call):
        note({"case": self.case, "function": call.function, "action": call.action, "n": self.numbers[call.invocation], "hidden": True})

    def number(self, call):
        """(how many-th of its function and action, whether it was sent for the first time)."""
        first = call.invocation not in self.numbers
        if first:
            self.calls[call.function, call.action] += 1
            self.numbers[call.invocation] = self.calls[call.function, call.action]
        return self.numbers[call.invocation], first

    async def serve(self, call, do):
        number, first = self.number(call)
        here = (call.function, call.action) == self.target and (number >= self.nth if self.kind == "refused" else number == self.nth)
        if first or here:
            note({"case": self.case, "function": call.function, "action": call.action, "n": number, **({"fault": self.kind} if here else {})})
        if here:
            return await getattr(self, self.kind.replace("-", "_"))(call, do, first)
        return await (self.hiding.look(call, do) if self.hiding else do())

    async def throttled(self, call, _do, _first):
        return fault_answers.throttled(call.service)

    async def reply_lost(self, call, do, first):
        answer = await do()
        return fault_answers.failed(call.service) if first else answer

    async def replies_lost(self, call, do, _first):
        await do()
        return fault_answers.failed(call.service)

    async def refused(self, call, _do, _first):
        return fault_answers.refused(call.service, call.action, iam_evaluator.caller_arn())

    async def killed(self, call, do, _first):
        answer = await do()
        end(call.function, idle=False)
        return answer

    async def unseen(self, call, do, _first):
        return await self.hiding.hide(call, do)

    async def killed_unseen(self, call, do, first):
        return await self.killed(call, lambda: self.hiding.hide(call, do), first)


def end(function, idle):
    """Ends the processes of a function's environments, those at work or those that wait: nothing of them runs any more, and Lambda says
    Runtime.ExitError to who waits for an answer."""
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool if worker.in_use != idle]
    for worker in workers:
        if worker.func_name.endswith(f"-{function}") and worker._proc:
            worker._proc.kill()
            if idle:
                worker._proc.wait()


class Armed:
    """The fault that the file names; each new version of the file arms anew."""

    def __init__(self, path):
        self.path, self.version, self.fault = path, None, Fault()

    def now(self):
        state = os.stat(self.path)
        if (version := (state.st_mtime_ns, state.st_ino)) != self.version:
            with open(self.path, encoding="utf-8") as file:
                self.version, self.fault = version, Fault(**json.load(file))
        return self.fault


def note(line):
    log.write(json.dumps(line) + "\n")


def breakable(service, serve, armed):
    async def serve_or_break(method, path, headers, body, query_params):
        caller = LAMBDA.search(iam_evaluator.caller_arn())
        action = action_of_call.get()
        if not caller or not action:
            return await serve(method, path, headers, body, query_params)
        function = caller["name"].rpartition("-")[2]
        call = Call(service, action, function, headers.get("amz-sdk-invocation-id"), method, path, headers, body, query_params)
        return await armed.now().serve(call, lambda: serve(method, path, headers, body, query_params))

    return serve_or_break


def apply():
    global log
    log = open(os.environ["FAULT_LOG"], "a", buffering=1, encoding="utf-8")
    armed = Armed(os.environ["FAULT"])
    # Who is at work is read off the workers that these two lease and give back.
    take(lambda_runtime, "acquire_worker", "5017d144adb5")
    take(lambda_runtime, "release_worker", "25d5dd7d42b6")
    for service in fault_answers.WORDS:
        app.SERVICE_HANDLERS[service] = breakable(service, app.SERVICE_HANDLERS[service], armed)
