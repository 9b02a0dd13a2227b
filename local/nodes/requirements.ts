import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What a machine says of itself. */
export interface Machine {
  platform: string;
  root: boolean;
  cgroups: "v1" | "v2" | undefined;
  has(program: string): boolean;
}

const PROGRAMS: Record<string, string> = {
  python3: "python3",
  ip: "iproute2",
  nft: "nftables",
  nsenter: "util-linux",
  unshare: "util-linux",
  pivot_root: "util-linux",
  mmdebstrap: "mmdebstrap",
};

/** One sentence that names what keeps this machine from running real nodes; nothing when it can. */
export function missing(machine: Machine = thisMachine()): string | undefined {
  if (machine.platform !== "linux") return `Real machines are made of Linux namespaces, and this is ${machine.platform}.`;
  const lacks = [
    ...(machine.root ? [] : ["root"]),
    ...(machine.cgroups ? [] : ["cgroups mounted at /sys/fs/cgroup"]),
    ...Object.entries(PROGRAMS).flatMap(([program, debian]) => (machine.has(program) ? [] : [`${program} (Debian's package ${debian})`])),
  ];
  return lacks.length > 0 ? `Real machines need ${lacks.join(", ")} on this machine.` : undefined;
}

function thisMachine(): Machine {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return {
    platform: process.platform,
    root: process.getuid?.() === 0,
    cgroups: existsSync("/sys/fs/cgroup/cgroup.controllers") ? "v2" : existsSync("/sys/fs/cgroup/memory") ? "v1" : undefined,
    has: (program) => folders.some((folder) => executable(join(folder, program))),
  };
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
