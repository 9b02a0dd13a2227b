import type { Account } from "../../../local/vpc/account";
import { balancersOf } from "../../../local/vpc/balancers";
import { fabricOf, newIndexes } from "../../../local/vpc/plan-fabric";
import { expectGolden } from "../case-folders";
import { machine, sampleAccount } from "./sample-account";

const options = { forwards: [{ address: "203.0.113.10", port: 80, target: 4566 }], metadata: {} };
const fabricFor = (account: Account, indexes = newIndexes()) => fabricOf(account, options, indexes);
const rulesFor = (account: Account) => fabricFor(account).vpcs[0]!.ruleset;
const setOf = (rules: string, name: string) => new RegExp(`set ${name} \\{[^}]*?elements = \\{ ([^}]*) \\}`).exec(rules)?.[1];

test("the rules of a VPC's router are those of its golden", () => {
  expectGolden("network", "ruleset.nft", rulesFor(sampleAccount()));
});

test("all else of the network is that of its golden", () => {
  const { vpcs, ...fabric } = fabricFor(sampleAccount());
  const withoutRules = { ...fabric, vpcs: vpcs.map(({ ruleset: _, ...vpc }) => vpc) };
  expectGolden("network", "fabric.json", `${JSON.stringify(withoutRules, null, 2)}\n`);
});

describe("an interface", () => {
  test("is unchecked by the instance's attribute as by its own", () => {
    expect(setOf(rulesFor(sampleAccount()), "checked")).toBe('"v1002", "v1003", "v1004"');
    const account = sampleAccount();
    account.instances[1]!.NetworkInterfaces![0]!.SourceDestCheck = false;
    expect(setOf(rulesFor(account), "checked")).toBe('"v1003", "v1004"');
  });

  test("keeps its index while others come and go", () => {
    const indexes = newIndexes();
    const account = sampleAccount();
    const before = fabricFor(account, indexes);
    account.instances = [machine("i-new", "172.20.32.5", "sg-nodes"), account.instances[1]!];
    const after = fabricFor(account, indexes);
    const indexOf = (id: string, { vpcs }: typeof after) => vpcs[0]!.interfaces.find((one) => one.id === id)?.index;
    expect(indexOf("eni-i-node", after)).toBe(indexOf("eni-i-node", before));
    expect(indexOf("eni-i-new", after)).toBe(5);
    expect(indexOf("eni-net", after)).toBe(indexOf("eni-net", before));
  });

  test("has no way to the internet where its subnet's own table has none, or the gateway is not attached", () => {
    const unrouted = sampleAccount();
    unrouted.routeTables[1]!.Routes!.pop();
    expect(setOf(rulesFor(unrouted), "internet-routed")).toBeUndefined();
    const detached = sampleAccount();
    detached.gateways = [];
    expect(setOf(rulesFor(detached), "internet-routed")).toBeUndefined();
    const main = sampleAccount();
    main.routeTables = [{ ...main.routeTables[1]!, Associations: [{ Main: true }] }];
    expect(setOf(rulesFor(main), "internet-routed")).toContain('"v1001"');
  });

  test("of a second network card gets no way out of its own, and its secondary addresses are delivered", () => {
    const account = sampleAccount();
    const [nic] = account.instances[1]!.NetworkInterfaces!;
    account.instances[1]!.NetworkInterfaces!.push({
      ...nic!,
      NetworkInterfaceId: "eni-second",
      MacAddress: "02:00:00:00:00:AA",
      PrivateIpAddress: "172.20.32.20",
      PrivateIpAddresses: [{ PrivateIpAddress: "172.20.32.21" }, { PrivateIpAddress: "172.20.32.20" }],
      Attachment: { DeviceIndex: 1, Status: "attached" },
    });
    const found = fabricFor(account).vpcs[0]!.interfaces.find(({ id }) => id === "eni-second");
    expect(found).toMatchObject({ namespace: "i-node", device: "eth1", mac: "02:00:00:00:00:aa", addresses: ["172.20.32.20", "172.20.32.21"] });
  });
});

describe("a load balancer", () => {
  test("has as targets what is registered and there, at the target's own port or its group's", () => {
    const [classic, network] = balancersOf(sampleAccount());
    expect(classic!.listeners[0]!.pool.targets).toEqual([{ id: "i-plane", address: "172.20.32.4", port: 6443 }]);
    expect(network!.listeners[0]!.pool.targets).toEqual([
      { id: "i-node", address: "172.20.32.10", port: 30081 },
      { id: "172.20.32.4", address: "172.20.32.4", port: 30080 },
    ]);
  });

  test("checks health as configured, and as EC2 does where nobody configured it", () => {
    const account = sampleAccount();
    delete account.classic[0]!.HealthCheck;
    const [classic, network] = balancersOf(account);
    expect(classic!.listeners[0]!.pool).toMatchObject({ failOpen: false, check: { protocol: "TCP", port: 6443, interval: 30, healthy: 10 } });
    expect(network!.listeners[0]!.pool).toMatchObject({ failOpen: true, check: { protocol: "HTTP", port: null, path: "/healthz", healthy: 3 } });
  });

  test("stands where EC2 shows an interface of it, in each of its subnets, and nowhere else", () => {
    const account = sampleAccount();
    account.balancerInterfaces = [{ ...account.balancerInterfaces[0]!, NetworkInterfaceId: "eni-b", PrivateIpAddress: "172.20.32.7" }, account.balancerInterfaces[0]!];
    const { balancers, names } = fabricFor(account);
    expect(balancers.map(({ name, address }) => [name, address])).toEqual([["api", "172.20.32.7"], ["api", "172.20.32.5"]]);
    expect(names).toEqual({ "api-1.us-east-1.elb.amazonaws.com": ["54.214.0.5", "54.214.0.5"] });
  });

  test("has no listener without a target group behind it", () => {
    const account = sampleAccount();
    account.network[0]!.targetGroups = [];
    expect(fabricFor(account).balancers[1]).toMatchObject({ name: "net", listeners: [] });
  });

  test("is checked as many times faster as is asked, with the same time-outs", () => {
    const { balancers } = fabricOf(sampleAccount(), { ...options, checkPace: 5 }, newIndexes());
    expect(balancers[0]!.listeners[0]!.pool.check).toMatchObject({ interval: 2, timeout: 5, healthy: 2 });
  });
});
