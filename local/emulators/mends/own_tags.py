"""moto looks through the tags of everything to find those of one thing; in runs that make hundreds of clusters that is most of its time."""
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from .source import take


def own_tags(self):
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "") if self.id else ""
    tags = self.ec2_backend.tags.get(self.id, {}) if self.id else {}
    return [{"resource_id": self.id, "key": key, "value": value, "resource_type": kind} for key, value in tags.items()]


def apply():
    take(TaggedEC2Resource, "get_tags", "73ba6daeb7cb")
    TaggedEC2Resource.get_tags = own_tags
