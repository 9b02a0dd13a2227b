import { createVerify } from "node:crypto";
import type { DeletionCertificate } from "../shared/registry/certificate";
import type { LocalService } from "./service";

/** Fetches a deletion certificate, checks its signature with the key that came with it, and says in lines what it certifies. */
export async function certificateLines(service: LocalService, name: string): Promise<{ valid: boolean; lines: string[] }> {
  const answer = await service.request("GET", `/clusters/${name}/certificate`);
  if (answer.status !== 200) return { valid: false, lines: [`GET /clusters/${name}/certificate answered ${answer.status}: ${answer.text}`] };
  const { document, signature, publicKey, algorithm } = answer.json<Record<"document" | "signature" | "publicKey" | "algorithm", string>>();
  const valid = createVerify("sha256").update(document).verify(publicKey, signature, "base64");
  const { resources, looks, deletedAt } = JSON.parse(document) as DeletionCertificate;
  const width = Math.max(...resources.map(({ resource }) => resource.length));
  return {
    valid,
    lines: [
      `Deletion certificate of ${deletedAt}, ${algorithm}, signature ${valid ? "verified" : "WRONG"}`,
      ...resources.map(({ resource, id = "-", absentAt }) => `  ${resource.padEnd(width)}  ${id.slice(0, 50).padEnd(50)}  absent ${absentAt.slice(11, 23)}`),
      `  looks that found nothing: ${looks.map(({ stage, at }) => `${stage} ${at.length}`).join(", ")}`,
    ],
  };
}
