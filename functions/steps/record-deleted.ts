import { KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { StillThere } from "../../shared/errors";
import { readEnvironment } from "../../shared/lambda/environment";
import { step } from "../../shared/lambda/step";
import { certificateOf, notSeenGone } from "../../shared/registry/certificate";

const REMEMBERED_DAYS = 90;
const kms = new KMSClient();
const { certificateKey } = readEnvironment();

/** Signs that nothing is left. The name is free from here on; the record stays until it is forgotten or the name is taken again. */
export const handler = step("RecordDeleted", async ({ record, change, now }) => {
  const unseen = notSeenGone(record.ledger);
  if (unseen.length > 0) throw new StillThere(`no look has seen these gone: ${unseen.join(", ")}`);
  const document = JSON.stringify(certificateOf(record, now));
  const { Signature = new Uint8Array() } = await kms.send(
    new SignCommand({ KeyId: certificateKey, Message: Buffer.from(document), MessageType: "RAW", SigningAlgorithm: "ECDSA_SHA_256" }),
  );
  change.certificate = { document, algorithm: "ECDSA_SHA_256", signature: Buffer.from(Signature).toString("base64"), keyArn: certificateKey };
  change.status = "Deleted";
  change.deletedAt = now.toISOString();
  change.forgetAt = Math.floor(now.getTime() / 1000) + REMEMBERED_DAYS * 86_400;
});
