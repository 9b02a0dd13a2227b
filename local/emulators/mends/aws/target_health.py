"""A target is initial at first and healthy only while its instance runs and a listener uses its group; a Classic load balancer's
instance is out of service until its registration is over. Whether the port answers is not asked: the machines are simulated.
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html (target health status)
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html (reasons)
https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_InstanceState.html"""
from moto.elb.models import ELBBackend
from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

from ..source import take
from .looks import SOON, Settling

registrations = {}


def registered(group, name):
    return registrations.setdefault((group, name), Settling(SOON))


def apply():
    register = take(FakeTargetGroup, "register", "d54f9b85f8ed")
    health = take(FakeTargetGroup, "health_for", "c402d5860653")
    register_classic = take(ELBBackend, "register_instances", "91e3f31050ba")
    health_classic = take(ELBBackend, "describe_instance_health", "5c50717a3567")

    def register_at(self, targets):
        register(self, targets)
        for target in targets:
            registrations.pop((self.arn, target["Id"]), None)
            registered(self.arn, target["Id"])

    def health_as_known(self, target, ec2_backend):
        found = health(self, target, ec2_backend)
        if found.status != "healthy":
            return found
        instance = ec2_backend.get_instance_by_id(found.instance_id)
        told = None
        if not self.load_balancer_arns:
            told = "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
        elif instance and instance.state != "running":
            told = "unused", "Target.InvalidState", f"Target is in the {instance.state} state"
        elif not registered(self.arn, found.instance_id).over():
            registered(self.arn, found.instance_id).look()
            told = "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
        return FakeHealthStatus(found.instance_id, found.port, found.health_check_port, *told) if told else found

    def register_with_classic(self, load_balancer_name, instance_ids, from_autoscaling=False):
        for name in instance_ids:
            registrations.pop((load_balancer_name, name), None)
            registered(load_balancer_name, name)
        return register_classic(self, load_balancer_name, instance_ids, from_autoscaling)

    def health_of_classic(self, lb_name, instances):
        found = health_classic(self, lb_name, instances)
        for state in found:
            settling = registered(lb_name, state["InstanceId"])
            if state["State"] == "InService" and not settling.over():
                settling.look()
                state.update(State="OutOfService", ReasonCode="ELB", Description="Instance registration is still in progress.")
        return found

    FakeTargetGroup.register = register_at
    FakeTargetGroup.health_for = health_as_known
    ELBBackend.register_instances = register_with_classic
    ELBBackend.describe_instance_health = health_of_classic
