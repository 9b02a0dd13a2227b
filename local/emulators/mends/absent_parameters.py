"""A route without parameters in its path sends an event without `pathParameters`, as API Gateway does; MiniStack sends null."""
from ministack.services import lambda_svc

from .source import take


def apply():
    execute = take(lambda_svc, "_execute_function_with_config_scope", "26a9d5f64e17")

    def execute_without_nulls(record, event, *rest, **named):
        if isinstance(event, dict) and event.get("version") == "2.0" and event.get("pathParameters", "") is None:
            event = {key: value for key, value in event.items() if key != "pathParameters"}
        return execute(record, event, *rest, **named)

    lambda_svc._execute_function_with_config_scope = execute_without_nulls
