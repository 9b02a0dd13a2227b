import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { imageIngredients, packageSources } from "../../../local/nodes/machine-image";
import { type Machine, missing } from "../../../local/nodes/requirements";

const whole: Machine = { platform: "linux", root: true, cgroups: "v1", has: () => true };

test.each<[string, Partial<Machine>, string | undefined]>([
  ["a machine that has all of it", {}, undefined],
  ["one with a single hierarchy", { cgroups: "v2" }, undefined],
  ["another system", { platform: "darwin", root: false }, "Real machines are made of Linux namespaces, and this is darwin."],
  ["somebody else than root", { root: false }, "Real machines need root on this machine."],
  [
    "a bare machine",
    { root: false, cgroups: undefined, has: (program) => !["ip", "mmdebstrap"].includes(program) },
    "Real machines need root, cgroups mounted at /sys/fs/cgroup, ip (Debian's package iproute2), mmdebstrap (Debian's package mmdebstrap) on this machine.",
  ],
])("what %s lacks is said in one sentence", (_, change, sentence) => {
  expect(missing({ ...whole, ...change })).toBe(sentence);
});

const targets = `Debian http://mirror.example/debian bookworm main
Debian http://mirror.example/debian bookworm-updates main
Debian http://mirror.example/debian bookworm main
Debian http://mirror.example/debian trixie main
Some Vendor http://packages.example bookworm main
`;
const osRelease = 'NAME="Debian GNU/Linux"\nVERSION_CODENAME=bookworm\n';

test("a machine image is made from the distribution's own sources of this release, each once", () => {
  expect(packageSources(targets, osRelease)).toEqual({
    codename: "bookworm",
    lines: ["deb http://mirror.example/debian bookworm main", "deb http://mirror.example/debian bookworm-updates main"],
  });
});

test("without lists of packages it is said what to do", () => {
  expect(() => packageSources("", osRelease)).toThrow("run apt-get update");
  expect(() => packageSources(targets, "NAME=Arch\n")).toThrow("Debian's or Ubuntu's packages");
});

test("an image is another one for another release, and the same from another mirror", () => {
  const here = packageSources(targets, osRelease);
  expect(imageIngredients({ ...here, lines: ["deb http://other.example bookworm main"] })).toEqual(imageIngredients(here));
  expect(imageIngredients({ ...here, codename: "trixie" })).not.toEqual(imageIngredients(here));
});

/** What cgroups.py makes of a process' own cgroups, without touching any; every controller is taken for mounted. */
const hierarchies = (procSelfCgroup: string, layout: string): [string, string][] => {
  const script = `import json, os, sys
os.path.isdir = lambda path: not path.endswith("/misc")
import cgroups
print(json.dumps(cgroups.hierarchies(sys.argv[1], sys.argv[2])))`;
  const options = { env: { PATH: process.env["PATH"], PYTHONPATH: join(__dirname, "../../../local/nodes"), PYTHONDONTWRITEBYTECODE: "1" }, encoding: "utf8" as const };
  return JSON.parse(execFileSync("python3", ["-c", script, procSelfCgroup, layout], options)) as [string, string][];
};

test("a node has a cgroup below our own in every hierarchy of version 1 that is mounted, and in the unified one beside them", () => {
  expect(hierarchies("5:name=systemd:/\n4:memory:/a/b\n3:misc:/\n2:cpu,cpuacct:/\n0::/\n", "v1")).toEqual([
    ["name=systemd", "/sys/fs/cgroup/systemd"],
    ["memory", "/sys/fs/cgroup/memory/a/b"],
    ["cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"],
    ["", "/sys/fs/cgroup/unified"],
  ]);
});

test("with one hierarchy a node's cgroup is below the root, which alone may hand controllers down beside processes", () => {
  expect(hierarchies("0::/user.slice/session-1.scope\n", "v2")).toEqual([["", "/sys/fs/cgroup"]]);
});
