"""The resources of an EC2 call, each with its own tags: aws:RequestTag for what is made, aws:ResourceTag for what is there. MiniStack
looks at one resource of a call and at no tag of what moto holds.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html"""
import re
from xml.etree import ElementTree

from .account_emulator import ask

MADE = {
    "CreateVpc": ("vpc",),
    "CreateSubnet": ("subnet",),
    "CreateInternetGateway": ("internet-gateway",),
    "CreateRouteTable": ("route-table",),
    "CreateSecurityGroup": ("security-group",),
    "CreateVolume": ("volume",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
KINDS = {
    "i": "instance",
    "vol": "volume",
    "eni": "network-interface",
    "subnet": "subnet",
    "sg": "security-group",
    "vpc": "vpc",
    "igw": "internet-gateway",
    "rtb": "route-table",
    "ami": "image",
    "eipalloc": "elastic-ip",
    "nat": "natgateway",
    "vpce": "vpc-endpoint",
    "pcx": "vpc-peering-connection",
    "acl": "network-acl",
}
# Where a call names what it acts on; a route's target and the groups within a rule are no resources of it.
NAMED = re.compile(r"(NetworkInterface\.\d+\.)?(Instance|Volume|NetworkInterface|Subnet|SecurityGroup|Group|Vpc|InternetGateway|RouteTable|Image|"
                   r"Allocation|Resource)Id(\.\d+)?")
# Elsewhere these are a route's target.
ENDED = re.compile(r"(NatGateway|VpcEndpoint|VpcPeeringConnection|NetworkAcl)Id(\.\d+)?")


def one(value):
    return value[0] if isinstance(value, list) else value


def resources(action, params, region, account):
    """ARNs of the call, and the condition keys of each; none for calls that only look."""
    if re.match("Describe|Get(?!ConsoleOutput)", action):
        return {}
    prefix = f"arn:aws:ec2:{region}:{account}:"
    found = {f"{prefix}{kind}/*": requested(kind, params) for kind in MADE.get(action, ())}
    named = (key for key in params if NAMED.fullmatch(key) or action.startswith("Delete") and ENDED.fullmatch(key))
    ids = {one(params[key]) for key in named} | association(params)
    held = tags_held(ids)
    for name in sorted(ids):
        kind = KINDS.get(name.rpartition("-")[0])
        if kind == "image":
            found[f"arn:aws:ec2:{region}::image/{name}"] = {}
        elif kind:
            found[f"{prefix}{kind}/{name}"] = held.get(name, {})
    key_name, key_tags = key_pair(action, params)
    if key_name:
        found[f"{prefix}key-pair/{key_name}"] = key_tags
    if action in ("CreateTags", "DeleteTags"):
        added = {one(value): one(params.get(f"{key[:-3]}Value", "")) for key, value in params.items() if re.fullmatch(r"Tag\.\d+\.Key", key)}
        return {name: {**tags, **with_keys(added)} for name, tags in found.items()}
    return found


def requested(kind, params):
    tags = {}
    for key, value in params.items():
        if (at := re.fullmatch(r"TagSpecification\.(\d+)\.ResourceType", key)) and one(value) == kind:
            for name, tag in params.items():
                if re.fullmatch(rf"TagSpecification\.{at[1]}\.Tag\.\d+\.Key", name):
                    tags[one(tag)] = one(params.get(f"{name[:-3]}Value", ""))
    return with_keys(tags) if tags else {}


def with_keys(tags):
    return {**{f"aws:RequestTag/{key}": value for key, value in tags.items()}, "aws:TagKeys": list(tags)}


def read(action, **parameters):
    _, _, xml = ask("ec2", Action=action, Version="2016-11-15", **parameters)
    return ElementTree.fromstring(xml)


def tags_held(ids):
    if not ids:
        return {}
    values = {f"Filter.1.Value.{number}": name for number, name in enumerate(sorted(ids), 1)}
    held = {}
    for item in read("DescribeTags", **{"Filter.1.Name": "resource-id"}, **values).iterfind(".//{*}tagSet/{*}item"):
        add_tag(held.setdefault(item.findtext("{*}resourceId"), {}), item)
    return held


def add_tag(context, item):
    key, value = item.findtext("{*}key"), item.findtext("{*}value")
    context[f"aws:ResourceTag/{key}"] = context[f"ec2:ResourceTag/{key}"] = value


def association(params):
    """The route table whose association is ended, or the address and its interface."""
    name = one(params.get("AssociationId")) or ""
    if name.startswith("eipassoc-"):
        addresses = read("DescribeAddresses", **{"Filter.1.Name": "association-id", "Filter.1.Value.1": name})
        held = (addresses.iterfind(f"./{{*}}addressesSet/{{*}}item/{{*}}{key}") for key in ("allocationId", "networkInterfaceId"))
        return {item.text for items in held for item in items if item.text}
    if not name.startswith("rtbassoc-"):
        return set()
    tables = read("DescribeRouteTables", **{"Filter.1.Name": "association.route-table-association-id", "Filter.1.Value.1": name})
    return {item.text for item in tables.iterfind("./{*}routeTableSet/{*}item/{*}routeTableId")}


def key_pair(action, params):
    """A key pair's ARN has its name; its tags are its id's."""
    name, known = one(params.get("KeyName")), one(params.get("KeyPairId"))
    if action == "ImportKeyPair":
        return name, requested("key-pair", params)
    if not name and not known:
        return None, {}
    context = {}
    for item in read("DescribeKeyPairs", **({"KeyName.1": name} if name else {"KeyPairId.1": known})).iterfind(".//{*}keySet/{*}item"):
        name = item.findtext("{*}keyName")
        for tag in item.iterfind("./{*}tagSet/{*}item"):
            add_tag(context, tag)
    return name, context
