import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureMachineImage } from "../../local/nodes/machine-image";
import { down, execute, nodeIds, reboot, up } from "../../local/nodes/node";
import { missing } from "../../local/nodes/requirements";

/** Two network namespaces, the machine's own and one that has the metadata service at its address. */
const id = `i-0${process.pid}`;
const [own, router] = [`clowder-${id}`, `clowder-${id}-r`];
const userData = `#!/bin/bash
echo "user data of $(hostname) runs" | tee -a /root/ran
`;
const UP_MS = 60_000;

let work: string;
let metadata: ChildProcess;
let image: string;
const ip = (...args: string[]) => execFileSync("ip", args);
/** Nobody answers names here, and says so at once. */
const files = { "/etc/resolv.conf": "nameserver 127.0.0.1\n" };
const spec = () => ({ id, hostname: "ip-10-99-0-2", netns: `/run/netns/${own}`, folder: join(work, "node"), layers: [image], files });
const read = (path: string) => readFileSync(path, "utf8");
const shell = (script: string) => execute(id, ["sh", "-c", script]);

beforeAll(async () => {
  expect(missing()).toBeUndefined();
  image = await ensureMachineImage(() => undefined);
  work = mkdtempSync(join(tmpdir(), "clowder-node-"));
  writeFileSync(join(work, "user-data"), userData);
  for (const name of [own, router]) {
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
  }
  ip("-n", router, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", own);
  for (const [name, address] of [[router, "10.99.0.1/24"], [own, "10.99.0.2/24"], [router, "169.254.169.254/32"]] as const) {
    ip("-n", name, "addr", "add", address, "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
  }
  ip("-n", own, "route", "add", "default", "via", "10.99.0.1");
  metadata = spawn("ip", ["netns", "exec", router, "python3", join(__dirname, "metadata-server.py"), id, join(work, "user-data")]);
  await new Promise((ready) => metadata.stdout!.once("data", ready));
}, 600_000);

afterAll(async () => {
  await down(id);
  metadata.stdin!.end();
  for (const name of [own, router]) ip("netns", "delete", name);
  rmSync(work, { recursive: true, force: true });
});

test("a machine boots systemd, runs its user data through cloud-init, and reboots from the same disk without running it again", async () => {
  const before = machineState();
  await up(spec());
  await settled();
  expect(await shell("systemctl is-system-running")).toBe("running\n");
  expect(await shell("cat /root/ran")).toBe("user data of ip-10-99-0-2 runs\n");
  expect(await shell("cloud-init query platform subplatform 2>/dev/null; cloud-init query v1.cloud_name")).toContain("aws");
  expect(await shell("journalctl -u cloud-final -o cat --no-pager")).toContain("user data of ip-10-99-0-2 runs");
  expect(read(join(work, "node/console.log"))).toMatch(/cloud-init\[\d+\]: user data of ip-10-99-0-2 runs/);
  expect(await shell("ctr version >/dev/null && echo containerd")).toBe("containerd\n");

  await shell("mkdir -p /sys/fs/cgroup/memory/left /sys/fs/cgroup/left 2>/dev/null; echo kept >/root/kept");
  await shell(`ip link add left type dummy; ip link set left up; ip route add 192.0.2.0/24 dev left; ip rule add from 192.0.2.1 lookup 99
    nft add table ip left; tc qdisc add dev eth0 clsact; echo 1 >/proc/sys/net/ipv4/ip_forward`);
  await reboot(id);
  await settled();
  expect(await shell("cat /root/kept /root/ran")).toBe("kept\nuser data of ip-10-99-0-2 runs\n");
  expect((await shell("journalctl --list-boots --no-pager -q | grep -c UTC")).trim()).toBe("2");
  expect(await shell("ls -d /sys/fs/cgroup/memory/left /sys/fs/cgroup/left 2>/dev/null || true")).toBe("");
  expect(await shell("ip -o link | cut -d' ' -f2; ip -o rule | wc -l; nft list ruleset; tc qdisc show dev eth0 clsact; cat /proc/sys/net/ipv4/ip_forward")).toMatch(
    /^lo:\neth0@if\d+:\n3\n0\n$/,
  );
  expect(await shell("ip -o route")).toMatch(/^default via 10\.99\.0\.1 [^\n]*\n10\.99\.0\.0\/24 [^\n]*\n$/);
  expect(machineState()).toEqual(before);
}, UP_MS * 2);

test("a machine is kept from what is not its own", async () => {
  const refused = (script: string) => expect(shell(script)).rejects.toThrow(/[Rr]ead-only/);
  // The values that are there: nothing changes where this fails.
  for (const name of ["vm/swappiness", "kernel/printk_ratelimit"]) await refused(`cat /proc/sys/${name} >/proc/sys/${name}`);
  await refused("mkdir /sys/x");
  // kubelet's own are private files, and those of the network belong to its namespace.
  await shell("echo 0 >/proc/sys/vm/overcommit_memory && echo 1 >/proc/sys/net/ipv4/ip_forward");
  expect(await shell("cat /proc/sys/vm/overcommit_memory")).toBe("0\n");
  expect(await shell("findmnt -no FSTYPE /sys/fs/bpf; findmnt -no PROPAGATION /; readlink /var/run; dmesg -r 2>/dev/null | wc -l; stat -L -c %t:%T /dev/kmsg")).toMatch(
    /^bpf\nshared\n\/run\n\d+\n1:3\n$/,
  );
}, UP_MS);

test("what ends its keeper ends the machine, and down removes what is left, twice is once", async () => {
  const folder = join(work, "node");
  const cgroups = (JSON.parse(read(join(folder, "spec.json"))) as { cgroups: string[] }).cgroups;
  const inside = () => cgroups.flatMap((path) => (existsSync(path) ? read(join(path, "cgroup.procs")).split("\n").filter(Boolean) : []));
  const keeper = execFileSync("pgrep", ["--full", "--", `keeper.py ${folder}`], { encoding: "utf8" }).trim();
  process.kill(Number(keeper), "SIGKILL");
  await until(() => inside().length === 0);
  await expect(shell("true")).rejects.toThrow("is not running");
  await down(id);
  expect(existsSync(folder)).toBe(false);
  expect(cgroups.filter((path) => existsSync(path))).toEqual([]);
  expect(await nodeIds()).not.toContain(id);
  await down(id);
}, UP_MS);

test("a machine that cannot start says why, and what was made of it goes", async () => {
  await expect(up({ ...spec(), netns: "/run/netns/clowder-absent" })).rejects.toThrow("clowder-absent");
  await expect(up(spec())).rejects.toThrow(`there is a node ${id}`);
  await down(id);
  expect(readdirSync(work)).toEqual(["user-data"]);
}, UP_MS);

/** What of this machine a node could change; counters that go up by themselves are left out. */
const machineState = () => ({
  sysctls: execFileSync("sysctl", ["-a"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .split("\n")
    .filter((line) => !/random|fs\.(dentry|inode|file|quota|aio)|ns_last_pid|pty\.nr|nf_conntrack_count/.test(line)),
  // Other runs have their own network namespaces.
  mounts: read("/proc/self/mounts").split("\n").filter((line) => !line.includes("/run/netns/")),
});

/** Once cloud-init has run. */
async function settled(): Promise<void> {
  let said = "nothing yet";
  const holds = () => shell("cloud-init status && systemctl is-active multi-user.target").then(
    (text) => (said = text).includes("status: done"),
    (error: Error) => void (said = error.message),
  );
  await until(async () => Boolean(await holds()), () => said);
}

async function until(holds: () => boolean | Promise<boolean>, said = () => ""): Promise<void> {
  for (const end = Date.now() + UP_MS; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`did not come about within a minute: ${said()}`);
    await new Promise((again) => setTimeout(again, 100));
  }
}
