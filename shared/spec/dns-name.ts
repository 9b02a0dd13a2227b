const LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
const NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`);

/** A lower-case DNS name (RFC 1123): labels of at most 63 characters, 253 in all. */
export const isDnsName = (text: string): boolean => text.length <= 253 && NAME.test(text);

/**
 * What S3 or this service would not take about a bucket's name; undefined where it is fine. Rules:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function bucketNameProblem(name: string): string | undefined {
  if (name.includes(".")) return `"${name}" has a dot, with which S3's certificate does not match the bucket's host name: use hyphens`;
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name)) {
    return `"${name}" is no bucket name: 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends`;
  }
  const reserved =
    ["xn--", "sthree-", "amzn-s3-demo-"].find((prefix) => name.startsWith(prefix)) ??
    ["-s3alias", "--ol-s3", "--x-s3", "--table-s3"].find((suffix) => name.endsWith(suffix));
  return reserved && `"${name}" has ${reserved}, which S3 keeps for itself`;
}
