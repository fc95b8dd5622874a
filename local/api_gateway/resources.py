"""The template's table and secrets, made in whatever stands in for AWS.

It creates what is absent and never changes or deletes a table that is there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.api_gateway.template import Template

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient


def create_table(dynamodb: DynamoDBClient, template: Template) -> bool:
    """True: it was absent. Waits until it can be used."""
    name = template.table["TableName"]
    try:
        dynamodb.create_table(**template.table)
    except dynamodb.exceptions.ResourceInUseException:
        return False
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    if template.table_ttl_attribute:
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={
                "Enabled": True,
                "AttributeName": template.table_ttl_attribute,
            },
        )
    return True


def put_secret(
    secrets: SecretsManagerClient, secret_id: str, value: dict[str, str]
) -> None:
    """As the functions read it: a JSON text."""
    text = json.dumps(value)
    try:
        secrets.create_secret(Name=secret_id, SecretString=text)
    except secrets.exceptions.ResourceExistsException:
        secrets.put_secret_value(SecretId=secret_id, SecretString=text)
