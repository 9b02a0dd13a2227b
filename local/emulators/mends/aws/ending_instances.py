"""TerminateInstances answers shutting-down; the instance is terminated, and its interfaces go, only some looks later.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html"""
from moto.ec2.models.instances import Instance
from moto.ec2.responses.instances import InstanceResponse

from ..source import take
from .looks import LATER, Settling, by_service, due

ending = {}
# What needs an interface, by that source's digest, and what an instance shows whose interface is gone.
ADDRESSES = {
    ("private_ip", "94d8fc310228"): None,
    ("private_ip_address", "8406313f4bf5"): None,
    ("private_dns_name", "3e583c93bda8"): "",
    ("public_ip", "9a7bac51362e"): None,
    ("public_ip_address", "9c27db6bd244"): None,
}


def finish(end):
    for instance, settling in list(ending.items()):
        if settling.over() and ending.pop(instance, None):
            end(instance)


def addressed(name, digest, absent):
    shown = take(Instance, name, digest).fget
    return property(lambda self: shown(self) if 0 in self.nics else absent)


def apply():
    terminate = take(Instance, "terminate", "b5e4ee68c414")
    describe = take(InstanceResponse, "describe_instances", "fa6a9013b378")

    def end(instance):
        """An interface that is to outlive its instance is detached."""
        previous = terminate(instance)
        for eni in list(instance.nics.values()):
            if eni.id in instance.ec2_backend.enis:
                instance.detach_eni(eni)
        return previous

    def begin_to_end(self):
        if not by_service():
            ending.pop(self, None)
            return end(self)
        previous = type(self._state)(self._state.name, self._state.code)
        if previous.name not in ("shutting-down", "terminated"):
            self._state.name, self._state.code = "shutting-down", 32
            ending[self] = Settling(LATER)
        return previous

    def describe_and_count(self):
        answer = describe(self)
        for reservation in answer.result["Reservations"]:
            for instance in reservation.instances:
                if instance in ending:
                    ending[instance].look()
        return answer

    for (name, digest), absent in ADDRESSES.items():
        setattr(Instance, name, addressed(name, digest, absent))
    Instance.terminate = begin_to_end
    InstanceResponse.describe_instances = describe_and_count
    due.append(lambda: finish(end))
