import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetPublicKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { NotNow } from "../../shared/errors";
import { mayTouch } from "../../shared/lambda/caller";
import type { Environment } from "../../shared/lambda/environment";
import { type Answer, type Request, route } from "../../shared/lambda/route";
import { readRecord } from "../../shared/registry/clusters";

const clients = { db: new DynamoDBClient(), kms: new KMSClient() };
export const handler = route((request, environment) => getCertificate(clients, environment, request));

/**
 * The deletion certificate, with the public half of the key that signed it (PEM, SubjectPublicKeyInfo).
 * @throws NotNow while the cluster is not deleted, ClusterNotFound, NotYours
 */
export async function getCertificate(
  { db, kms }: { db: DynamoDBClient; kms: KMSClient },
  { table, admins }: Environment,
  { path, caller }: Request,
): Promise<Answer> {
  const record = await readRecord({ db, table }, path["name"] ?? "");
  mayTouch(caller, record, admins);
  if (!record.certificate) throw new NotNow(`${record.name} is ${record.status}; a certificate is made when nothing of it is left`);
  const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: record.certificate.keyArn }));
  const lines = Buffer.from(PublicKey).toString("base64").match(/.{1,64}/g) ?? [];
  return { status: 200, body: { ...record.certificate, publicKey: ["-----BEGIN PUBLIC KEY-----", ...lines, "-----END PUBLIC KEY-----", ""].join("\n") } };
}
