import { ensureArtifacts } from "./artifacts";
import { kubernetesReleases } from "./versions";

/** `npm run artifacts -- [RELEASE]…`: all of the table when none is named. Prints where they are. */
async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  for (const release of asked.length > 0 ? asked : kubernetesReleases) {
    const began = Date.now();
    const { folder } = await ensureArtifacts(release, (line) => console.error(`  ${line}`));
    console.log(`Kubernetes ${release}: ${folder} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
