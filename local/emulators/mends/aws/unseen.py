"""Eventual consistency: what was just made is missing from lists, and not found by its id, for the first looks.
https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from ..source import take
from .looks import SOON, Settling, acting, by_service

# What makes it and that source's digest; what shows it: call, member of the answer, parameter with ids, code for an id not found.
SHOWN = {
    ("create_vpc", "38aab71ca2b5"): ("describe_vpcs", "Vpcs", "VpcIds", "InvalidVpcID.NotFound"),
    ("create_subnet", "82496fb64997"): ("describe_subnets", "Subnets", "SubnetIds", "InvalidSubnetID.NotFound"),
    ("create_internet_gateway", "37d48405fbf8"):
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayIds", "InvalidInternetGatewayID.NotFound"),
    ("create_route_table", "ea01a3ca15ab"): ("describe_route_tables", "RouteTables", "RouteTableIds", "InvalidRouteTableID.NotFound"),
    ("create_security_group", "e2bd7d8f5c24"): ("describe_security_groups", "SecurityGroups", "GroupIds", "InvalidGroup.NotFound"),
    ("create_volume", "0cd08b060032"): ("describe_volumes", "Volumes", "VolumeIds", "InvalidVolume.NotFound"),
    ("create_network_interface", "d6c69450e83b"):
        ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceIds", "InvalidNetworkInterfaceID.NotFound"),
    ("run_instances", "4f521b284b7e"): ("describe_instances", "Reservations", "InstanceIds", "InvalidInstanceID.NotFound"),
}
unseen = {}


def made(name, digest):
    make = take(EC2Backend, name, digest)

    def make_unseen(self, *arguments, **named):
        thing = make(self, *arguments, **named)
        if by_service() and acting(name):
            unseen[thing] = Settling(SOON)
        return thing

    return make_unseen


def shown(name, member, parameter, code):
    show = getattr(EC2Response, name)

    def show_settled(self):
        answer = show(self)
        if not by_service():
            return answer
        there, asked = [], self._get_param(parameter, [])
        for thing in answer.result[member]:
            if thing not in unseen or unseen[thing].over():
                unseen.pop(thing, None)
                there.append(thing)
                continue
            unseen[thing].look()
            if asked:
                raise EC2ClientError(code, f"The ID '{', '.join(asked)}' does not exist")
        answer.result[member] = there
        return answer

    return show_settled


def apply():
    for (name, digest), (show, *rest) in SHOWN.items():
        setattr(EC2Backend, name, made(name, digest))
        setattr(EC2Response, show, shown(show, *rest))
