import { readdirSync } from "node:fs";
import {
  AttachNetworkInterfaceCommand,
  CreateNetworkInterfaceCommand,
  DetachNetworkInterfaceCommand,
  GetConsoleOutputCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { namespacesLeft, startNetworks } from "../../local/vpc/vpc";
import { startWorld, until } from "./world";

const devices = () => readdirSync("/sys/class/net").sort();

test("an interface that is attached is a device of the machine until it is detached", async () => {
  const world = await startWorld("vpc-interfaces");
  try {
    const groups = [await world.group("nodes")];
    const InstanceId = await world.run("172.20.32.10", groups);
    const request = { SubnetId: world.subnetId, PrivateIpAddress: "172.20.32.20", Groups: groups };
    const { NetworkInterfaceId } = (await world.ec2.send(new CreateNetworkInterfaceCommand(request))).NetworkInterface!;
    const { AttachmentId } = await world.ec2.send(new AttachNetworkInterfaceCommand({ InstanceId, NetworkInterfaceId, DeviceIndex: 1 }));
    const devices = () => world.inside(InstanceId, "ip", "-brief", "-4", "address");
    await until(() => devices().includes("eth1"));
    expect(devices()).toMatch(/^eth1\S* +UP +172\.20\.32\.20\/19/m);
    await world.ec2.send(new DetachNetworkInterfaceCommand({ AttachmentId }));
    await until(() => !devices().includes("eth1"));
    expect(devices()).toMatch(/^eth0\S* +UP +172\.20\.32\.10\/19/m);
    expect(world.machines.faults).toEqual([]);
  } finally {
    await world.stop();
  }
});

test("a machine's console is the instance's, and a terminated machine leaves nothing", async () => {
  const before = devices();
  const world = await startWorld("vpc-leftovers");
  try {
    const id = await world.run("172.20.32.10", [await world.group("nodes")]);
    const { Output } = await world.ec2.send(new GetConsoleOutputCommand({ InstanceId: id }));
    expect(Buffer.from(Output!, "base64").toString()).toBe("ip-172-20-32-10.ec2.internal booted\n");
    expect(namespacesLeft(world.machines.networks.pid)).toContain(world.machines.networks.namespace(id));
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    await until(() => namespacesLeft(world.machines.networks.pid).length === 1);
    expect(world.nodes.living.size).toBe(0);
    expect(world.machines.faults).toEqual([]);
  } finally {
    await world.stop();
  }
  expect(await world.machines.leftovers()).toEqual([]);
  expect(devices()).toEqual(before);
});

test("what a killed daemon left is taken away by the next one, with what ran inside; what a living one has stays", async () => {
  const fabric = { namespaces: ["machine"], forwards: [], names: {}, vpcs: [], balancers: [] };
  const faults: string[] = [];
  const killed = await startNetworks({ onFault: (fault) => faults.push(fault) });
  const living = await startNetworks();
  try {
    await Promise.all([killed.apply(fabric), living.apply(fabric)]);
    process.kill(killed.pid, "SIGKILL");
    await until(() => faults.length === 1);
    expect(namespacesLeft(killed.pid)).toHaveLength(2);
    const next = await startNetworks();
    await next.stop();
    expect(next.removed.filter((name) => name.includes(`-${killed.pid}-`))).toHaveLength(2);
    expect(namespacesLeft(killed.pid)).toEqual([]);
    expect(namespacesLeft(living.pid)).toHaveLength(2);
  } finally {
    await living.stop();
  }
  expect(namespacesLeft(living.pid)).toEqual([]);
});
