"""Calls are authorised as AWS does it where MiniStack is laxer or knows other names: every resource of an EC2 call with its own tags,
ec2:CreateTags with ec2:CreateAction for tags at creation, iam:PassRole for a role that is handed on, and AWS's own ARNs."""
import contextvars
from dataclasses import replace

from ministack.core import iam_actions, iam_evaluator

from .ec2_resources import one, resources
from .pass_role import passed_role
from .resource_arns import of_call
from .source import take

# Condition keys by ARN of the EC2 call in hand, and a role that the call passes.
ec2_of_call = contextvars.ContextVar("ec2_of_call", default={})
passed_by_call = contextvars.ContextVar("passed_by_call", default=None)


def apply():
    known = take(iam_actions, "extract_resource_arn", "82f51700695c")
    take(iam_actions, "verified_access_resource_arns", "bdb79a1657c3")
    enforce = take(iam_evaluator, "enforce", "cf64b1ee5b09")

    def extract(service, method, path, headers, body, params, region, account):
        passed_by_call.set(passed_role(service, body, params))
        if service == "ec2":
            found = resources(one(params.get("Action")) or "", params, region, account)
            ec2_of_call.set(found)
            return next(iter(found), "*")
        own = of_call(service, path, body, params, region, account)
        return own or known(service, method, path, headers, body, params, region, account)

    def check(access_key, action, service, region, arn, context):
        """EC2's message names the call alone: which of its checks failed is added."""
        denied = enforce(access_key, action, service, region, arn, context)
        if isinstance(denied, iam_evaluator.EvalResult):
            return replace(denied, principal_arn=f"{denied.principal_arn} ({action} on {arn})")
        return denied

    def enforce_all(access_key, action, service, region, resource_arn="*", service_context=None):
        if service not in ("ec2", "iam", "scheduler"):
            return enforce(access_key, action, service, region, resource_arn, service_context)
        context = ec2_of_call.get().get(resource_arn, {}) if service == "ec2" else service_context
        denied = check(access_key, action, service, region, resource_arn, context)
        name = action.partition(":")[2]
        if not denied and service == "ec2" and "aws:TagKeys" in context and name not in ("CreateTags", "DeleteTags"):
            denied = check(access_key, "ec2:CreateTags", service, region, resource_arn, {**context, "ec2:CreateAction": name})
        if not denied and (passed := passed_by_call.get()):
            passed_by_call.set(None)
            role, receiver = passed
            denied = check(access_key, "iam:PassRole", "iam", region, role, {"iam:PassedToService": receiver})
        return denied

    iam_actions.extract_resource_arn = extract
    # The first is what extract answered; the call's dispatch checks the others after it.
    iam_actions.verified_access_resource_arns = lambda _params, _region, _account: list(ec2_of_call.get())
    iam_evaluator.enforce = enforce_all
