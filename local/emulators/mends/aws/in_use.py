"""What something else depends on cannot be deleted: DependencyViolation for security groups, subnets and gateways, InUse for interfaces
and addresses. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and the pages of the calls."""
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces

from ..source import take
from .looks import acting


def holds_group(backend, group_id):
    """An interface with the group, or another group of any VPC whose rule names it."""
    if any(group.id == group_id for eni in list(backend.enis.values()) for group in eni.group_set):
        return True
    others = (group for groups in list(backend.groups.values()) for group in list(groups.values()) if group.id != group_id)
    return any(rule.source_group.get("GroupId") == group_id for group in others for rule in [*group.ingress_rules, *group.egress_rules])


def apply():
    delete_group = take(SecurityGroupBackend, "delete_security_group", "69b57f1f47c2")
    delete_subnet = take(SubnetBackend, "delete_subnet", "9c0ac999e802")
    detach = take(InternetGatewayBackend, "detach_internet_gateway", "2a7e33da5d38")
    release = take(ElasticAddressBackend, "release_address", "08e87039f6df")
    delete_interface = take(ElasticNetworkInterfaces, "delete_network_interface", "f8e331474f0e")

    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
    def delete_free_group(self, name=None, group_id=None):
        if acting("delete_security_group") and group_id and holds_group(self, group_id):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        return delete_group(self, name, group_id)

    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html
    def delete_empty_subnet(self, subnet_id):
        if any(eni.subnet.id == subnet_id for eni in list(self.enis.values())):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return delete_subnet(self, subnet_id)

    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html
    def detach_unused(self, internet_gateway_id, vpc_id):
        if any(eni.public_ip and eni.vpc_id == vpc_id for eni in list(self.enis.values())):
            raise DependencyViolationError(
                f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
            )
        return detach(self, internet_gateway_id, vpc_id)

    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
    def release_unused(self, address=None, allocation_id=None):
        found = self.address_by_allocation([allocation_id]) if allocation_id else []
        if any(eip.association_id for eip in found):
            raise EC2ClientError("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
        return release(self, address, allocation_id)

    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkInterface.html
    def delete_detached(self):
        eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        if eni.status == "in-use":
            raise EC2ClientError("InvalidNetworkInterface.InUse", f"Network interface {eni.id} is currently in use.")
        return delete_interface(self)

    SecurityGroupBackend.delete_security_group = delete_free_group
    SubnetBackend.delete_subnet = delete_empty_subnet
    InternetGatewayBackend.detach_internet_gateway = detach_unused
    ElasticAddressBackend.release_address = release_unused
    ElasticNetworkInterfaces.delete_network_interface = delete_detached
