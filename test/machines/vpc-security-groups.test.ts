import { AuthorizeSecurityGroupIngressCommand, type IpPermission, ModifyInstanceAttributeCommand, RevokeSecurityGroupIngressCommand } from "@aws-sdk/client-ec2";
import { ask, hear, say, serve, startWorld, until, type World } from "./world";

const tcp = (port: number, peer: Partial<IpPermission>): IpPermission => ({ IpProtocol: "tcp", FromPort: port, ToPort: port, ...peer });
const udp = (port: number, peer: Partial<IpPermission>): IpPermission => ({ ...tcp(port, peer), IpProtocol: "udp" });
const from = (CidrIp: string) => ({ IpRanges: [{ CidrIp }] });
const member = (GroupId: string) => ({ UserIdGroupPairs: [{ GroupId }] });

/** RFC 1035 by hand: prints the response code and the answers' last four bytes. */
const lookUp = `
import socket, sys
name, resolver = sys.argv[1:]
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(2)
sock.sendto(b"ab" + bytes.fromhex("01000001000000000000") + labels + bytes.fromhex("0000010001"), (resolver, 53))
reply = sock.recv(512)
print(reply[3] & 15, *(socket.inet_ntoa(reply[-4:]) for _ in range(reply[7])))`;

let world: World;
let nodes: string;
let clients: string;
let server: string;
let client: string;
let stranger: string;

const allow = async (GroupId: string, ...IpPermissions: IpPermission[]) => {
  await world.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  await world.machines.look();
};

beforeAll(async () => {
  world = await startWorld("vpc-groups");
  [nodes, clients] = [await world.group("nodes"), await world.group("clients")];
  server = await world.run("172.20.32.10", [nodes]);
  client = await world.run("172.20.32.11", [clients]);
  stranger = await world.run("172.20.32.12", [await world.group("strangers")]);
  for (const port of [8080, 8081, 8082]) await world.keep(server, ...serve(port, "server"));
  await world.keep(client, ...serve(8080, "client"));
});
afterAll(() => world.stop());

test("a machine has its planned address, its way out and link indexes of its own", () => {
  const [eth0] = JSON.parse(world.inside(server, "ip", "-json", "address", "show", "dev", "eth0"));
  expect(eth0).toMatchObject({ mtu: 9001, addr_info: [expect.objectContaining({ local: "172.20.32.10", prefixlen: 19 }), expect.anything()] });
  expect(eth0.ifindex).toBeGreaterThan(2000);
  expect(eth0.link_index).toBeGreaterThan(1000);
  expect(world.inside(server, "ip", "route", "show", "default")).toContain("via 172.20.32.1 dev eth0");
});

test("private names are known to the VPC's resolver, at both of its addresses, and names of the world are not", () => {
  const ask = (name: string, resolver: string) => world.inside(client, "python3", "-c", lookUp, name, resolver);
  for (const resolver of ["169.254.169.253", "172.20.0.2"]) expect(ask("IP-172-20-32-10.ec2.internal", resolver)).toBe("0 172.20.32.10");
  world.inside(client, ...say("169.254.169.253", 53, "172.20.32.11", "no question, but longer than a header"));
  expect(ask("dl.k8s.io", "169.254.169.253")).toBe("3");
});

test("what no rule allows is dropped; a rule by CIDR lets it in, and the answer out although no rule lets the server's own calls in", async () => {
  expect(world.inside(client, ...ask("172.20.32.10", 8080))).toBe("timed out");
  await allow(nodes, tcp(8080, from("172.20.32.11/32")));
  expect(world.inside(client, ...ask("172.20.32.10", 8080))).toBe("server sees 172.20.32.11");
  expect(world.inside(stranger, ...ask("172.20.32.10", 8080))).toBe("timed out");
  expect(world.inside(server, ...ask("172.20.32.11", 8080))).toBe("timed out");
});

test("a rule by group lets its members in and nobody else, on the rule's ports alone, until it is revoked", async () => {
  await allow(nodes, tcp(8081, member(clients)));
  expect(world.inside(client, ...ask("172.20.32.10", 8081))).toBe("server sees 172.20.32.11");
  expect(world.inside(stranger, ...ask("172.20.32.10", 8081))).toBe("timed out");
  expect(world.inside(client, ...ask("172.20.32.10", 8082))).toBe("timed out");
  await world.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: nodes, IpPermissions: [tcp(8081, member(clients))] }));
  await until(() => world.inside(client, ...ask("172.20.32.10", 8081)) === "timed out");
});

test("a foreign source address passes only with the source/destination check off, and a member's pod counts as the member", async () => {
  await allow(nodes, udp(7000, member(clients)));
  const { lines } = await world.keep(server, ...hear(7000));
  world.inside(client, ...say("172.20.32.10", 7000, "10.244.1.7", "while it is checked"));
  await world.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: client, SourceDestCheck: { Value: false } }));
  await world.machines.look();
  world.inside(client, ...say("172.20.32.10", 7000, "10.244.1.7", "unchecked"));
  world.inside(client, ...say("172.20.32.10", 7000, "172.20.32.11", "its own"));
  await until(() => lines.length === 3);
  expect(lines.slice(1)).toEqual(["10.244.1.7: unchecked", "172.20.32.11: its own"]);
});

test("a foreign destination is delivered by MAC to the machine that is its next hop, if that one is not checked", async () => {
  world.inside(server, "ip", "address", "add", "10.244.2.9/32", "dev", "lo");
  world.inside(client, "ip", "route", "add", "10.244.2.9", "via", "172.20.32.10");
  expect(world.inside(client, ...ask("10.244.2.9", 8080))).toBe("timed out");
  await world.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: server, SourceDestCheck: { Value: false } }));
  await world.machines.look();
  expect(world.inside(client, ...ask("10.244.2.9", 8080))).toBe("server sees 172.20.32.11");
});
