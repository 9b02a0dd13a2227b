"""RunInstances is idempotent by its ClientToken, and does not know an instance profile that IAM has only just made.
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html (changes that are not always immediately visible)"""
import threading

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import filter_iam_instance_profiles
from moto.iam.models import IAMBackend

from ..source import take
from .looks import SOON, Settling

NO_PARAMETERS = ("Action", "Version", "ClientToken", "DryRun")
by_token = {}
one_at_a_time = threading.Lock()


def refuse_new_profile(response):
    name = response._get_param("IamInstanceProfile.Name")
    if not name:
        return
    profile = filter_iam_instance_profiles(response.current_account, response.partition, None, name)
    if not profile.settling.over():
        profile.settling.look()
        raise EC2ClientError(
            "InvalidParameterValue", f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        )


def apply():
    run = take(InstanceResponse, "run_instances", "053f1ed0a0ec")
    create_profile = take(IAMBackend, "create_instance_profile", "41314c3578bd")

    def create_settling_profile(self, *arguments, **named):
        profile = create_profile(self, *arguments, **named)
        profile.settling = Settling(SOON, looks=1)
        return profile

    def run_once(self):
        refuse_new_profile(self)
        token = self._get_param("ClientToken")
        if not token:
            return run(self)
        parameters = {key: value for key, value in self.data.items() if key not in NO_PARAMETERS}
        with one_at_a_time:
            known = by_token.get((self.current_account, self.region, token))
            if known and known[0] != parameters:
                raise EC2ClientError("IdempotentParameterMismatch", f"The client token {token} was used with other parameters")
            if known:
                return ActionResult(known[1])
            answer = run(self)
            by_token[self.current_account, self.region, token] = parameters, answer.result
            return answer

    IAMBackend.create_instance_profile = create_settling_profile
    InstanceResponse.run_instances = run_once
