"""What a wanted state makes of namespaces, links, routes, rules and servers. Each VPC has a router namespace; every interface is a veth
from it, `v<1000 + index>` there and `eth<n>` with index 2000 + index in the machine, so that no end's index meets a local one. Beyond all
VPCs' internet gateways lies one more namespace, `internet`, with no way further."""
import asyncio

import metadata
import resolver
from balancer import Balancer
from forward import Listener, connect
from namespaces import Namespace

GATEWAY = "203.0.113.1"
RESOLVER = "203.0.113.2"
# Whom a person outside is seen as.
PERSON = "192.0.2.10"
LINK_RESOLVER = "169.254.169.253"
# What EC2's own interfaces have; an internet gateway passes 1500.
MTU, INTERNET_MTU = 9001, 1500
# Foreign sources are what source/destination checks are about; EC2 looks at no sequence numbers.
FORWARDING = {"ipv4/ip_forward": 1}
ROUTER_SETTINGS = {"ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0, "ipv4/conf/all/send_redirects": 0,
                   "ipv4/conf/default/send_redirects": 0, "netfilter/nf_conntrack_tcp_be_liberal": 1}


class Internet:
    """The world as far as it can be reached: the addresses that lead to servers of the host's loopback, and a person outside."""

    def __init__(self):
        self.space = Namespace("internet")
        self.listeners = {}
        self.names = {}

    async def make(self):
        await self.space.make()
        self.space.sysctl(ROUTER_SETTINGS | FORWARDING)
        await self.space.ip(*(f"addr add {address}/32 dev lo" for address in (GATEWAY, RESOLVER, PERSON)))
        await resolver.serve(self.space, RESOLVER, lambda: self.names)
        return self

    async def apply(self, forwards, names):
        self.names = names
        wanted = {(one["address"], one["port"]): one["target"] for one in forwards}
        for key in [key for key in self.listeners if key not in wanted]:
            self.listeners.pop(key)[1].close()
        for (address, port), target in wanted.items():
            held = self.listeners.get((address, port))
            if held and held[0] == target:
                continue
            if held:
                held[1].close()
            await self.space.ip(f"addr replace {address}/32 dev lo")
            reach = lambda target=target: connect("127.0.0.1", target)  # noqa: E731
            self.listeners[address, port] = (target, Listener(self.space, address, port, reach))

    async def remove(self):
        for _, listener in self.listeners.values():
            listener.close()
        await self.space.remove()


class Vpc:
    """One router, the interfaces on it, its metadata service and its resolver."""

    def __init__(self, number, wanted, internet, machines):
        self.id, self.number = wanted["id"], number
        self.link_address = f"198.18.{number >> 8}.{number & 255}"
        self.internet, self.machines = internet, machines
        self.space = Namespace(wanted["id"])
        self.servers = {}
        self.addresses = set()
        self.interfaces = {}
        self.public = set()
        self.ruleset = ""
        self.wanted = wanted

    async def make(self):
        await self.space.make()
        self.space.sysctl(ROUTER_SETTINGS)
        outer, address = f"w{self.number}", self.link_address
        await self.space.ip(
            f"link add igw mtu {INTERNET_MTU} type veth peer name {outer} mtu {INTERNET_MTU} netns {self.internet.space.name}",
            "link set igw up", f"addr add {address}/32 dev igw", f"route add default via {GATEWAY} dev igw onlink",
            f"addr add {metadata.ADDRESS}/32 dev lo", f"addr add {LINK_RESOLVER}/32 dev lo")
        await self.internet.space.ip(f"link set {outer} up", f"route add {address} dev {outer} src {PERSON}")
        service = await metadata.MetadataService(self.space, lambda: self.machines).start()
        self.servers["metadata"] = service
        self.servers[LINK_RESOLVER] = await resolver.serve(self.space, LINK_RESOLVER, lambda: self.wanted["names"])
        return self

    async def apply(self, wanted, spaces):
        self.wanted = wanted
        await self.apply_addresses({*wanted["gateways"], wanted["resolver"]})
        held = {(one["namespace"], one["device"]): one for one in wanted["interfaces"]}
        for key in [key for key in self.interfaces if key not in held]:
            await self.remove_interface(key)
        for key, interface in held.items():
            await self.apply_interface(key, interface, spaces[interface["namespace"]])
        await self.apply_public({one for interface in held.values() for one in interface["publicAddresses"]})
        if wanted["ruleset"] != self.ruleset:
            await self.space.nft(wanted["ruleset"])
            if not self.ruleset:
                self.space.sysctl(FORWARDING)
            self.ruleset = wanted["ruleset"]

    async def apply_addresses(self, wanted):
        new = wanted - self.addresses
        await self.space.ip(*(f"addr add {one}/32 dev lo" for one in new), *(f"addr del {one}/32 dev lo" for one in self.addresses - wanted))
        self.addresses = wanted
        address = self.wanted["resolver"]
        if address not in self.servers:
            self.servers[address] = await resolver.serve(self.space, address, lambda: self.wanted["names"])

    async def apply_interface(self, key, interface, machine):
        held = self.interfaces.get(key)
        name, index = f"v{1000 + interface['index']}", 1000 + interface["index"]
        if not held:
            await self.make_interface(interface, name, index, machine)
        gone = set(held["addresses"] if held else ()) - set(interface["addresses"])
        new = set(interface["addresses"]) - set(held["addresses"] if held else ())
        await self.space.ip(
            *(line for one in new for line in (
                f"neigh replace {one} lladdr {interface['mac']} dev {name} nud permanent", f"route replace {one}/32 dev {name}")),
            *(f"route del {one}/32 dev {name}" for one in gone))
        self.interfaces[key] = interface

    async def make_interface(self, interface, name, index, machine):
        device, mac, first = interface["device"], interface["mac"], interface["addresses"][0]
        await self.space.ip(
            f"link add {name} index {index} mtu {MTU} type veth peer name {device} index {index + 1000} mtu {MTU} "
            f"address {mac} netns {machine.name}")
        try:
            # A machine's second interface brings no second way out.
            way_out = [f"route add default via {interface['gateway']} dev {device}"] if device == "eth0" else []
            await machine.ip(f"addr add {first}/{interface['prefix']} dev {device}", f"link set {device} up", *way_out)
            await self.space.ip(
                f"link set {name} up", f"neigh replace {first} lladdr {mac} dev {name} nud permanent",
                f"route add default via {first} dev {name} onlink table {index}", f"rule add fwmark {index} lookup {index} pref 100")
        except RuntimeError:
            await self.space.ip(f"link del {name}")
            raise

    async def remove_interface(self, key):
        index = 1000 + self.interfaces[key]["index"]
        await self.space.ip(f"link del v{index}", f"rule del fwmark {index} lookup {index} pref 100")
        del self.interfaces[key]

    async def apply_public(self, wanted):
        """The internet knows the way to each public address."""
        via = f"via {self.link_address} dev w{self.number}"
        await self.internet.space.ip(
            *(f"route replace {one}/32 {via} src {PERSON}" for one in wanted - self.public),
            *(f"route del {one}/32" for one in self.public - wanted))
        self.public = wanted

    async def remove(self):
        for server in self.servers.values():
            server.close()
        await self.apply_public(set())
        await self.space.remove()


class Fabric:
    def __init__(self, say):
        self.say = say
        self.internet = None
        self.vpcs, self.spaces, self.balancers, self.machines = {}, {}, {}, {}
        self.made = 0
        self.busy = asyncio.Lock()

    async def start(self):
        self.internet = await Internet().make()

    async def apply(self, wanted):
        """Brings everything to what is wanted, which is the whole of it: what it does not name goes away."""
        async with self.busy:
            await self.internet.apply(wanted["forwards"], wanted["names"])
            self.close_balancers(wanted["balancers"])
            for name in wanted["namespaces"]:
                if name not in self.spaces:
                    self.spaces[name] = await Namespace(name).make()
            ids = {vpc["id"] for vpc in wanted["vpcs"]}
            for vpc_id in [held for held in self.vpcs if held not in ids]:
                await self.vpcs.pop(vpc_id).remove()
            for vpc in wanted["vpcs"]:
                machines = self.machines.setdefault(vpc["id"], {})
                if vpc["id"] not in self.vpcs:
                    self.made += 1
                    self.vpcs[vpc["id"]] = await Vpc(self.made, vpc, self.internet, machines).make()
                machines.clear()
                machines.update(vpc["machines"])
                await self.vpcs[vpc["id"]].apply(vpc, self.spaces)
            for name in [name for name in self.spaces if name not in wanted["namespaces"]]:
                await self.spaces.pop(name).remove()
            for one in wanted["balancers"]:
                name = one["namespace"]
                if name not in self.balancers:
                    self.balancers[name] = Balancer(one["name"], self.spaces[name], self.say)
                self.balancers[name].apply(one["address"], one["listeners"])

    def close_balancers(self, wanted):
        names = {one["namespace"] for one in wanted}
        for name in [name for name in self.balancers if name not in names]:
            self.balancers.pop(name).close()

    async def stop(self):
        async with self.busy:
            self.close_balancers([])
            for vpc in self.vpcs.values():
                await vpc.remove()
            for space in self.spaces.values():
                await space.remove()
            if self.internet:
                await self.internet.remove()
