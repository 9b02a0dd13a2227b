import { readFileSync } from "node:fs";
import { parseAllDocuments, stringify } from "yaml";
import type { Problem } from "../../../shared/errors";
import { InvalidManifest } from "../../../shared/errors";
import type { Deployment } from "../../../shared/spec/deployment";
import { readManifest } from "../../../shared/spec/read-manifest";

export const deployment: Deployment = {
  id: "test",
  region: "us-east-1",
  accountId: "123456789012",
  partition: "aws",
  allowedBuckets: [],
  instanceTypes: ["t3.medium", "m5.*"],
  imageOwners: ["099720109477", "amazon"],
  maxNodes: 10,
  ttl: { defaultSeconds: 3600, capSeconds: 172800, allowNone: false },
  artifacts: { kubernetes: "https://dl.k8s.io", github: "https://github.com", calico: "https://raw.githubusercontent.com" },
  cloudProvider: "aws",
  proberImage: "registry.k8s.io/e2e-test-images/agnhost:2.39",
  probeClientMachineType: "t3.micro",
  waits: { poll: 1, nodes: 1, calico: 1, delete: 1, settle: 1 },
};

export const caseFile = (name: string): string => readFileSync(`${__dirname}/../../cases/${name}`, "utf8");

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests break documents in every way
export type Loose = any;

/** The documents of a case as plain objects, to be changed: `[cluster, control plane, nodes]`. */
export const documentsOf = (name: string): Loose[] =>
  parseAllDocuments(caseFile(`${name}/manifest.yaml`)).map((document) => document.toJS());

export const toYaml = (documents: unknown[]): string => documents.map((document) => stringify(document)).join("---\n");

/** The seed's manifest after `change`. */
export function changed(change: (cluster: Loose, controlPlane: Loose, nodes: Loose, all: Loose[]) => void, name = "seed"): string {
  const all = documentsOf(name);
  change(all[0], all[1], all[2], all);
  return toYaml(all);
}

/** The problems with which a body is refused; none where it is accepted. */
export function problemsOf(body: string, configBase?: string): Problem[] {
  try {
    readManifest(body, deployment, configBase === undefined ? {} : { configBase });
    return [];
  } catch (error) {
    if (error instanceof InvalidManifest) return error.problems;
    throw error;
  }
}

export const pathsOf = (body: string, configBase?: string): string[] => problemsOf(body, configBase).map(({ path }) => path);
