import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

const known = new Map<string, Promise<string>>();

/** A SecureString's text, read once for the life of the Lambda. Errors of SSM pass, and are not kept. */
export function readSecret(ssm: SSMClient, name: string): Promise<string> {
  const found = known.get(name);
  if (found) return found;
  const reading = ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true })).then(({ Parameter }) => Parameter?.Value?.trim() ?? "");
  known.set(name, reading);
  reading.catch(() => known.delete(name));
  return reading;
}
