import { startEmulators } from "../../local/emulators/emulators";

/**
 * jest's globalSetup: every integration test meets the same two emulators through the SDK's own environment variables.
 * They end with jest's process.
 */
export default async function start(): Promise<void> {
  const emulators = await startEmulators({ name: "integration" });
  Object.assign(process.env, emulators.environment);
}
