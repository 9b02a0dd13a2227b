import { parseArgs } from "node:util";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import type { ClusterView } from "../shared/registry/cluster-view";
import { readManifest } from "./manifest";
import { signedRequest } from "./signed-request";

const usage = "npm run smoke:aws -- --url https://ID.execute-api.REGION.amazonaws.com [--manifest FILE] [--query '?configBase=s3://BUCKET']";
const LOOK_MS = 10_000;
const LIMIT_MS = 45 * 60_000;

/**
 * The whole life of one cluster against a deployment on a real account, with the credentials of the environment: POST, ready,
 * kubeconfig, DELETE, certificate. It costs what the manifest's machines cost for that long.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { url: { type: "string" }, manifest: { type: "string", default: "test/cases/twin/manifest.yaml" }, query: { type: "string", default: "" } },
  });
  if (!values.url) throw new Error(usage);
  const credentials = await fromNodeProviderChain()();
  const call = async (method: "GET" | "POST" | "DELETE", path: string, bytes?: string) => {
    const answer = await signedRequest(credentials, method, `${values.url}${path}`, bytes ? { type: "application/yaml", bytes } : undefined);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer;
  };
  const until = async (path: string, ends: string[]): Promise<ClusterView> => {
    const limit = Date.now() + LIMIT_MS;
    for (let told = ""; ; await new Promise((next) => setTimeout(next, LOOK_MS))) {
      const cluster = (await call("GET", path)).json<ClusterView>();
      const line = `${cluster.status}  last stage ${cluster.timeline.at(-1)?.stage ?? "-"}  ${JSON.stringify(cluster.nodes ?? {})}`;
      if (line !== told) console.log(`${new Date().toISOString()}  ${(told = line)}`);
      if (ends.includes(cluster.status)) return cluster;
      if (Date.now() > limit) throw new Error(`${cluster.name} is still ${cluster.status} after ${LIMIT_MS / 60_000} minutes`);
    }
  };
  const { text } = readManifest(values.manifest);
  const { name } = (await call("POST", `/clusters${values.query}`, text)).json<{ name: string }>();
  const path = `/clusters/${name}`;
  const created = await until(path, ["Ready", "Failed", "Deleting", "Deleted", "LeakSuspected"]);
  for (const { check, status, message } of created.dataPlane?.checks ?? []) console.log(`  ${status.padEnd(8)}${check.padEnd(18)}${message}`);
  if (created.status === "Ready") {
    console.log(`Your cluster ${name} is ready; its kubeconfig has ${(await call("GET", `${path}/kubeconfig`)).text.length} characters`);
    await call("DELETE", path);
  } else console.log(`Your cluster ${name} failed: ${created.failure?.code} at ${created.failure?.stage}: ${created.failure?.message}`);
  const ended = await until(path, ["Deleted", "LeakSuspected"]);
  if (ended.status === "Deleted") console.log((await call("GET", `${path}/certificate`)).json<{ document: string }>().document);
  process.exitCode = created.status === "Ready" && ended.status === "Deleted" ? 0 : 1;
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
