import type { Filter, ResourceType, TagSpecification } from "@aws-sdk/client-ec2";

interface Tag {
  Key?: string | undefined;
  Value?: string | undefined;
}

export const asTags = (tags: Record<string, string>): { Key: string; Value: string }[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** Tags given with the create call itself: nothing is ever there untagged. */
export const tagSpecification = (type: ResourceType, tags: Record<string, string>): TagSpecification => ({
  ResourceType: type,
  Tags: asTags(tags),
});

export const tagOf = (tags: Tag[] | undefined, key: string): string | undefined => tags?.find(({ Key }) => Key === key)?.Value;

/** EC2 filters: every one of these tags. */
export const withTags = (tags: Record<string, string>): Filter[] =>
  Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
