"""The errors that AWS's services answer, in each one's own words and protocol: a throttle, a fault of AWS's, a refusal, a thing that is
not known. Sources: the page of common errors of each service's API reference; EC2's error codes page; S3's error responses page."""
from ministack.core import iam_actions

from .source import take

# Service: (throttle, status), (fault, status), status of a refusal.
WORDS = {
    "ec2": (("RequestLimitExceeded", 503), ("InternalError", 500), 403),
    "elasticloadbalancing": (("Throttling", 400), ("InternalFailure", 500), 403),
    "iam": (("Throttling", 400), ("ServiceFailure", 500), 403),
    "s3": (("SlowDown", 503), ("InternalError", 500), 403),
    "dynamodb": (("ProvisionedThroughputExceededException", 400), ("InternalServerError", 500), 400),
    "states": (("ThrottlingException", 400), ("InternalFailure", 500), 400),
    "kms": (("ThrottlingException", 400), ("KMSInternalException", 500), 400),
    "ssm": (("ThrottlingException", 400), ("InternalServerError", 500), 400),
    "scheduler": (("ThrottlingException", 429), ("InternalServerException", 500), 403),
}
EC2_KINDS = {
    "vpc": "InvalidVpcID",
    "subnet": "InvalidSubnetID",
    "sg": "InvalidGroup",
    "igw": "InvalidInternetGatewayID",
    "rtb": "InvalidRouteTableID",
    "rtbassoc": "InvalidAssociationID",
    "i": "InvalidInstanceID",
    "vol": "InvalidVolume",
    "eni": "InvalidNetworkInterfaceID",
}
UNKNOWN = {
    "iam": ("NoSuchEntity", 404),
    "s3": ("NoSuchBucket", 404),
    "scheduler": ("ResourceNotFoundException", 404),
    "states": ("ExecutionDoesNotExist", 400),
}

denial = take(iam_actions, "access_denied_response", "3cc2e315f91f")


def answer(service, code, status, message):
    """Every call gets an answer of its own: what dispatches it adds to the headers."""
    _, headers, body = denial(service, "", "", "fault", error_code=code, message=message)
    return status, dict(headers), body


def throttled(service):
    return answer(service, *WORDS[service][0], "Rate exceeded")


def failed(service):
    return answer(service, *WORDS[service][1], "We encountered an internal error. Please try again.")


def refused(service, action, caller):
    _, headers, body = denial(service, action, caller, "fault")
    return WORDS[service][2], dict(headers), body


def unknown(service, action, name):
    """What `action` answers where it names a thing that its service does not show yet."""
    if service == "ec2" and action == "RunInstances" and name.rpartition("-")[0] not in EC2_KINDS:
        return answer(service, "InvalidParameterValue", 400, f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name")
    if service == "ec2":
        kind = EC2_KINDS.get(name.rpartition("-")[0], "InvalidKeyPair")
        return answer(service, f"{kind}.NotFound", 400, f"'{name}' does not exist")
    if service == "elasticloadbalancing":
        kind = "InvalidInstance" if name.startswith("i-") else "TargetGroupNotFound" if ":targetgroup/" in name else "LoadBalancerNotFound"
        return answer(service, kind, 400, f"'{name}' is not known")
    return answer(service, *UNKNOWN[service], f"{name} cannot be found")
