import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { down, nodeIds, reboot, up } from "./node";
import type { Image } from "./prepared-image";

export interface NodesOptions {
  image: Image;
  /** Where the nodes' folders lie, on a real filesystem. */
  folder: string;
  /** What is different about such nodes, read by their scripts: endpoints, above all. */
  environment: Record<string, string>;
  /** Image archives for machines whose image brings none. */
  images?: string;
  /** Put over those of the image by a test that wants a machine to be wrong, by path. */
  spoil?(machine: Placed): Record<string, string>;
}

/** Who a node is and where its network is. */
export interface Placed {
  id: string;
  /** EC2's private DNS name. */
  hostname: string;
  netns: string;
  /** EC2's tags. */
  tags: Record<string, string>;
}

/** The real machines of one run. */
export interface Nodes {
  /** Resolves once it boots. */
  up(machine: Placed): Promise<void>;
  reboot(id: string): Promise<void>;
  /** Resolves once nothing of it is left. */
  down(id: string): Promise<void>;
  /** File that its console goes to, there from the first boot on. */
  console(id: string): string;
  /** What is still there that should not be, in words. */
  leftovers(): Promise<string[]>;
}

const UNIFIED = "/sys/fs/cgroup/cgroup.controllers";
/** From 1.35 on kubelet refuses cgroup v1 unless it is told: https://kubernetes.io/docs/concepts/architecture/cgroups/ */
const ON_CGROUP_V1 = "failCgroupV1: false\n";

/** Machines from one image, each in a folder of its own. */
export function nodesOf({ image, folder, environment, images, spoil }: NodesOptions): Nodes {
  const made = new Set<string>();
  const nodeEnv = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`).join("");
  mkdirSync(folder, { recursive: true });
  return {
    async up(machine) {
      const { id, hostname, netns } = machine;
      made.add(id);
      const files = { "/etc/clowder/node.env": nodeEnv, ...(existsSync(UNIFIED) ? {} : { "/etc/clowder/kubelet.yaml": ON_CGROUP_V1 }), ...spoil?.(machine) };
      await up({ id, hostname: hostname.split(".")[0]!, netns, folder: join(folder, id), ...image, images, files });
    },
    reboot,
    down,
    console: (id) => join(folder, id, "console.log"),
    leftovers: async () => (await nodeIds()).filter((id) => made.has(id)).map((id) => `node ${id}`),
  };
}
