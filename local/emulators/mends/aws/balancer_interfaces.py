"""A load balancer has a network interface in each of its subnets, which its service manages, and which stays some looks longer than it.
https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/elb-getting-started.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html
https://repost.aws/knowledge-center/elb-find-load-balancer-IP (the description names the load balancer)"""
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.utils import random_public_ip
from moto.elb.models import ELBBackend
from moto.elbv2.models import ELBv2Backend

from ..source import take
from .looks import LATER, Settling, due

lingering = {}


def attach(backend, balancer, description, subnets, interface_type):
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    balancer.interfaces = []
    for subnet in subnets:
        eni = ec2.create_network_interface(
            subnet, subnet.get_available_subnet_ip(balancer), group_ids=list(balancer.security_groups or []), description=description
        )
        eni.requester_managed, eni.requester_id, eni.status, eni.interface_type = True, "amazon-elb", "in-use", interface_type
        if balancer.scheme != "internal":
            eni.public_ip = random_public_ip()
        balancer.interfaces.append(eni)


def let_go(balancer):
    for eni in getattr(balancer, "interfaces", []):
        lingering[eni] = Settling(LATER)


def finish():
    for eni, settling in list(lingering.items()):
        if settling.over() and lingering.pop(eni, None):
            eni.delete()


def apply():
    create_classic = take(ELBBackend, "create_load_balancer", "43039959b34a")
    delete_classic = take(ELBBackend, "delete_load_balancer", "670f1142c34a")
    create = ELBv2Backend.create_load_balancer  # mended by network_load_balancers, which pins it
    delete = take(ELBv2Backend, "delete_load_balancer", "575862696f05")
    describe = take(ElasticNetworkInterfaces, "describe_network_interfaces", "b08ae5fb1e2f")
    association = take(NetworkInterface, "association", "342d9a7ab42e")

    def create_classic_with_interfaces(self, *arguments, **named):
        balancer = create_classic(self, *arguments, **named)
        ec2 = ec2_backends[self.account_id][self.region_name]
        attach(self, balancer, f"ELB {balancer.name}", [ec2.get_subnet(subnet) for subnet in balancer.subnets], "interface")
        return balancer

    def create_with_interfaces(self, *arguments, **named):
        balancer = create(self, *arguments, **named)
        kind = "network_load_balancer" if "/net/" in balancer.arn else "interface"
        attach(self, balancer, f"ELB {balancer.arn.partition(':loadbalancer/')[2]}", balancer.subnets, kind)
        return balancer

    def delete_classic_slowly(self, load_balancer_name):
        let_go(self.load_balancers.get(load_balancer_name))
        return delete_classic(self, load_balancer_name)

    def delete_slowly(self, arn):
        let_go(self.load_balancers.get(arn))
        return delete(self, arn)

    def describe_and_count(self):
        answer = describe(self)
        for eni in answer.result["NetworkInterfaces"]:
            if eni in lingering:
                lingering[eni].look()
        return answer

    def owned_association(self):
        """A public address that nobody allocated is its service's, or EC2's own."""
        found = association.fget(self)
        if found and not found.get("allocationId"):
            found["ipOwnerId"] = "amazon-elb" if self.requester_id == "amazon-elb" else "amazon"
        return found

    ELBBackend.create_load_balancer = create_classic_with_interfaces
    ELBBackend.delete_load_balancer = delete_classic_slowly
    ELBv2Backend.create_load_balancer = create_with_interfaces
    ELBv2Backend.delete_load_balancer = delete_slowly
    ElasticNetworkInterfaces.describe_network_interfaces = describe_and_count
    NetworkInterface.association = property(owned_association)
    due.append(finish)
