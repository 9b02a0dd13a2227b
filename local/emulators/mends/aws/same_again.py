"""A load balancer or target group that is asked for again with the same settings is the one that is there; with others its name is
taken. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html (idempotent) and
API_CreateTargetGroup.html. For Classic ones API 2012-06-01 documents DuplicateLoadBalancerName alone; that equal settings succeed is
how it has been found to behave."""
from moto.core.responses import ActionResult
from moto.elb.exceptions import DuplicateLoadBalancerName as DuplicateClassicName
from moto.elb.responses import ELBResponse
from moto.elbv2.exceptions import DuplicateLoadBalancerName, DuplicateTargetGroupName
from moto.elbv2.responses import ELBV2Response

from ..source import take


def settings_of(response):
    return {key: value for key, value in response.data.items() if key not in ("Action", "Version")}


def once(create, key, found, duplicate):
    """`create`, but answers what is there under the name: `found` looks for it."""
    asked = {}

    def create_once(self):
        name = self._get_param(key)
        there = found(self, name)
        if there is None:
            answer = create(self)
            asked[self.current_account, self.region, name] = settings_of(self), answer.result
            return answer
        settings, result = asked.get((self.current_account, self.region, name), (None, None))
        if settings != settings_of(self):
            raise duplicate(name) if duplicate is DuplicateClassicName else duplicate()
        return ActionResult(result)

    return create_once


def named(things, name):
    return next((thing for thing in things.values() if thing.name == name), None)


def apply():
    ELBResponse.create_load_balancer = once(
        take(ELBResponse, "create_load_balancer", "4e2fbebeba1d"), "LoadBalancerName",
        lambda response, name: response.elb_backend.load_balancers.get(name), DuplicateClassicName)
    ELBV2Response.create_load_balancer = once(
        take(ELBV2Response, "create_load_balancer", "116f9bf95afd"), "Name",
        lambda response, name: named(response.elbv2_backend.load_balancers, name), DuplicateLoadBalancerName)
    ELBV2Response.create_target_group = once(
        take(ELBV2Response, "create_target_group", "9db370795688"), "Name",
        lambda response, name: named(response.elbv2_backend.target_groups, name), DuplicateTargetGroupName)
