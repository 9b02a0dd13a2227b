"""SimulatePrincipalPolicy answers for every resource and with the context that it is given, permissions boundary included; MiniStack
looks at the first resource and no context. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html"""
from itertools import count, takewhile
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from .ec2_resources import one
from .source import take

DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


def members(params, name, field=""):
    values = (one(params.get(f"{name}.member.{number}{field}")) for number in count(1))
    return list(takewhile(bool, values))


def context_of(params):
    keys = members(params, "ContextEntries", ".ContextKeyName")
    return dict(zip(map(str.lower, keys), members(params, "ContextEntries", ".ContextKeyValues.member.1")))


def apply():
    simulate = take(iam, "_simulate_principal_policy", "8dbfeffbf145")
    result = take(iam, "_xml", "d35959f8c3e3")

    def simulate_role(params):
        source = one(params.get("PolicySourceArn")) or ""
        if ":role/" not in source:
            return simulate(params)
        name, account = source.rpartition("/")[2], get_account_id()
        if iam._roles.get(name) is None:
            return iam._error(404, "NoSuchEntity", f"The role with name {name} cannot be found.", ns="iam")
        policies = iam_evaluator._gather_role_policies(name, account)
        limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
        found = ""
        for action in members(params, "ActionNames"):
            for resource in members(params, "ResourceArns") or ["*"]:
                context = iam_evaluator.EvalContext(
                    source, "AssumedRole", account, action, resource, get_region(), service_context=context_of(params)
                )
                decision = DECISIONS[iam_evaluator.evaluate(context, policies, *limits).decision]
                found += (f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}</EvalResourceName>"
                          f"<EvalDecision>{decision}</EvalDecision></member>")
        return result(200, "SimulatePrincipalPolicyResponse",
                      f"<SimulatePrincipalPolicyResult><EvaluationResults>{found}</EvaluationResults><IsTruncated>false</IsTruncated>"
                      "</SimulatePrincipalPolicyResult>", ns="iam")

    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate_role
