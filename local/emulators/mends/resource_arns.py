"""The ARN that a call is authorised against, where MiniStack's is not AWS's: the path of IAM names, the group of a schedule, the names
of load balancers. A role or profile that does not exist has no path: a policy that allows a path alone refuses to look for it, as
AWS does."""
import json

from ministack.services import iam

from .ec2_resources import one


def parameter(params, name):
    return one(params.get(name)) or ""


def of_iam(params, account):
    if simulated := parameter(params, "PolicySourceArn"):
        return simulated
    profile, role = parameter(params, "InstanceProfileName"), parameter(params, "RoleName")
    kind, name, known = ("instance-profile", profile, iam._instance_profiles) if profile else ("role", role, iam._roles)
    if not name:
        return None
    if found := known.get(name):
        return found["Arn"]
    path = parameter(params, "Path") or "/"
    return f"arn:aws:iam::{account}:{kind}{path}{name}"


def of_schedule(path, params, body, region, account):
    parts = [part for part in path.split("/") if part]
    if parts[:1] != ["schedules"] or len(parts) < 2:
        return None
    asked = json.loads(body or b"{}").get("GroupName")
    group = asked or parameter(params, "groupName") or "default"
    return f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{parts[1]}"


def of_load_balancer(params, region, account):
    action = parameter(params, "Action")
    prefix = f"arn:aws:elasticloadbalancing:{region}:{account}:"
    if action.startswith("Describe"):
        return "*"
    if name := parameter(params, "LoadBalancerName") or parameter(params, "LoadBalancerNames.member.1"):
        return f"{prefix}loadbalancer/{name}"
    for name in ("ResourceArns.member.1", "LoadBalancerArn", "TargetGroupArn", "ListenerArn"):
        if arn := parameter(params, name):
            return arn
    if action == "CreateLoadBalancer":
        kind = {"network": "net", "gateway": "gwy"}.get(parameter(params, "Type"), "app")
        return f"{prefix}loadbalancer/{kind}/{parameter(params, 'Name')}/*"
    if action == "CreateTargetGroup":
        return f"{prefix}targetgroup/{parameter(params, 'Name')}/*"
    return None


def of_call(service, path, body, params, region, account):
    """None where MiniStack's own is right."""
    if service == "iam":
        return of_iam(params, account)
    if service == "scheduler":
        return of_schedule(path, params, body, region, account)
    if service == "elasticloadbalancing":
        return of_load_balancer(params, region, account)
    return None
