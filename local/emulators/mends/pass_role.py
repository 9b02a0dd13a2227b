"""Which role a call hands to which service: iam:PassRole is asked for it, as IAM does. An instance's, by its profile, and a schedule's.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
import json

from ministack.services import iam

from .ec2_resources import one


def role_of(name):
    return (iam._roles.get(name) or {}).get("Arn")


def passed_role(service, body, params):
    """(ARN, service that gets it), or None. A profile without a role passes none."""
    action = one(params.get("Action"))
    if service == "ec2" and action == "RunInstances":
        profile = one(params.get("IamInstanceProfile.Name")) or (one(params.get("IamInstanceProfile.Arn")) or "").rpartition("/")[2]
        roles = (iam._instance_profiles.get(profile) or {}).get("Roles") or []
        arn, receiver = (role_of(roles[0]) if roles else None), "ec2.amazonaws.com"
    elif service == "iam" and action == "AddRoleToInstanceProfile":
        arn, receiver = role_of(one(params.get("RoleName"))), "ec2.amazonaws.com"
    elif service == "scheduler" and body[:1] == b"{":
        arn, receiver = (json.loads(body).get("Target") or {}).get("RoleArn"), "scheduler.amazonaws.com"
    else:
        return None
    return (arn, receiver) if arn else None
