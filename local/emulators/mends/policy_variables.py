"""`${aws:userid}` and its like are filled in, in resources and conditions; MiniStack compares them as they stand.
A variable that the request has no value for stays as it is and so matches nothing (IAM guide, policy variables)."""
import re
from dataclasses import replace

from ministack.core import iam_evaluator

from .source import take

VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+:[^}]+)\}")


def fill(value, context):
    def known(match):
        found = iam_evaluator._resolve_condition_key(match[1], context)
        return found if isinstance(found, str) else match[0]

    if isinstance(value, str):
        return VARIABLE.sub(known, value)
    if isinstance(value, list):
        return [fill(member, context) for member in value]
    if isinstance(value, dict):
        return {key: fill(member, context) for key, member in value.items()}
    return value


def apply():
    first_match = take(iam_evaluator, "_first_match", "dc96ef4846c7")

    def first_match_filled(context, statements, effect):
        filled = [
            replace(
                statement,
                resources=fill(statement.resources, context),
                not_resources=fill(statement.not_resources, context),
                conditions=fill(statement.conditions, context),
            )
            for statement in statements
            if statement.effect == effect
        ]
        return first_match(context, filled, effect)

    iam_evaluator._first_match = first_match_filled
