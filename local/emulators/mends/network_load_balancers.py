"""In moto: the ARN of a Network load balancer says `net`, as AWS's does; moto writes `app` into every one, and policies name the kind."""
import threading

from moto.elbv2 import models

from .source import take

KINDS = {"network": "net", "gateway": "gwy"}
being_made = threading.local()


def apply():
    create = take(models.ELBv2Backend, "create_load_balancer", "dd53c4e98de0")
    make_arn = take(models, "make_arn_for_load_balancer", "768865933f09")

    def create_of_kind(self, *arguments, **named):
        being_made.kind = KINDS.get(named.get("loadbalancer_type"), "app")
        return create(self, *arguments, **named)

    models.ELBv2Backend.create_load_balancer = create_of_kind
    models.make_arn_for_load_balancer = lambda **named: make_arn(**named).replace(":loadbalancer/app/", f":loadbalancer/{being_made.kind}/")
