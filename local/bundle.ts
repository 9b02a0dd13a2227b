import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { signedRequest } from "./signed-request";

const usage = "npm run bundle -- --url https://ID.execute-api.REGION.amazonaws.com NAME [--out FILE.tar.gz]";

/** Downloads everything that tells why the cluster NAME failed, with the credentials of the environment. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { url: { type: "string" }, out: { type: "string" } } });
  const [name, ...rest] = positionals;
  if (!values.url || !name || rest.length) throw new Error(usage);
  const answer = await signedRequest(await fromNodeProviderChain()(), "GET", `${values.url.replace(/\/+$/, "")}/clusters/${encodeURIComponent(name)}/bundle`);
  if (answer.status !== 200) throw new Error(`the service answered ${answer.status}: ${answer.text}`);
  const file = values.out ?? `${name}.tar.gz`;
  writeFileSync(file, answer.bytes, { mode: 0o600 });
  console.log(`${file}: ${answer.bytes.length} bytes; tar -xzf ${file}, then read summary.txt`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
