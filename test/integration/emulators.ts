import { startEmulators } from "../../local/emulators/emulators";

/**
 * jest's globalSetup: every integration test meets the same two emulators through the SDK's own environment variables.
 * They end with jest's process. What AWS takes its time for is done at once there; aws-behaviour.test.ts and the whole service see it.
 */
export default async function start(): Promise<void> {
  const emulators = await startEmulators({ name: "integration", looks: 0 });
  Object.assign(process.env, emulators.environment);
}
