"""What template.yaml promises AWS, resolved for one machine: routes, functions, table.

It reads the intrinsic functions and resource types that the template uses and stops at
any other, for a local system that guesses would not be the deployed one. It never
reads anything but the template: no route, time-out or key is written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from local.api_gateway.schedule import Schedule, ScheduleError, read_schedule

REGION = "eu-central-1"
ACCOUNT = "000000000000"
PSEUDO_PARAMETERS = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "emanet-local",
}

NO_VALUE = object()  # AWS::NoValue: as if the property had not been written

Node = Any  # what YAML yields: mappings, lists and scalars, nested


class TemplateError(Exception):
    """The template or its parameters say something that cannot be run here."""


@dataclass(frozen=True, slots=True)
class Throttle:
    rate_per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `scopes` is None where the template lets everybody in."""

    method: str
    path: str
    function: str
    scopes: tuple[str, ...] | None
    throttle: Throttle

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return self.scopes is None


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function; `paths` are its own code and its layers, in that order."""

    name: str
    handler: str
    paths: tuple[Path, ...]
    timeout_s: int
    memory_mb: int
    environment: Mapping[str, str]
    reserved_concurrency: int | None
    schedules: tuple[Schedule, ...]

    @property
    def folder(self) -> Path:
        return self.paths[0]

    @property
    def slug(self) -> str:
        """The use case's one word: folder, sample event and test share it."""
        return self.folder.name


@dataclass(frozen=True, slots=True)
class Cors:
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed_headers: tuple[str, ...]
    max_age_s: int


@dataclass(frozen=True, slots=True)
class Template:
    """`table` are boto3's create_table arguments; `secrets` are logical ids."""

    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    cors: Cors | None
    jwt_issuer: str
    jwt_audience: tuple[str, ...]
    table: Mapping[str, Any]
    table_ttl_attribute: str | None
    secrets: tuple[str, ...]

    @classmethod
    def load(cls, path: Path, parameters: Mapping[str, str]) -> Self:
        text = path.read_text("utf-8")
        document = yaml.load(text, _CloudFormation)  # noqa: S506 (a SafeLoader)
        scope = _Scope(document, parameters)
        apis = scope.resources("AWS::Serverless::HttpApi")
        api: Node = next(iter(apis.values()), {})
        jwt = _jwt(api)
        table = next(iter(scope.resources("AWS::DynamoDB::Table").items()), None)
        functions = scope.functions()
        return cls(
            functions={
                name: _function(name, properties, path.parent, scope)
                for name, properties in functions.items()
            },
            routes=tuple(
                _route(name, event, api)
                for name, properties in functions.items()
                for event in _events(properties, "HttpApi")
            ),
            cors=_cors(api.get("CorsConfiguration")),
            jwt_issuer=jwt.get("issuer", ""),
            jwt_audience=tuple(jwt.get("audience", ())),
            table=_table(*table) if table else {},
            table_ttl_attribute=_ttl_attribute(table[1]) if table else None,
            secrets=tuple(scope.resources("AWS::SecretsManager::Secret")),
        )


# ── CloudFormation's short forms ─────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Call:
    """An intrinsic function, not yet resolved: `!Ref X` is _Call("Ref", "X")."""

    name: str
    argument: Node


class _CloudFormation(yaml.SafeLoader):
    """YAML with CloudFormation's tags; plain data otherwise."""


def _call(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> _Call:
    match node:
        case yaml.ScalarNode():
            return _Call(name, loader.construct_scalar(node))
        case yaml.SequenceNode():
            return _Call(name, loader.construct_sequence(node, deep=True))
    raise TemplateError(f"!{name} takes a text or a list here")


_CloudFormation.add_multi_constructor("!", _call)


class _Scope:
    """The template's names and their local values."""

    def __init__(self, document: Node, overrides: Mapping[str, str]) -> None:
        self._document = document
        self._conditions = document.get("Conditions", {})
        self._parameters = _parameters(document.get("Parameters", {}), overrides)

    def resources(self, kind: str) -> dict[str, Node]:
        """Logical id → resolved properties of every resource of this kind."""
        return {
            name: self.resolve(resource.get("Properties", {}))
            for name, resource in self._document["Resources"].items()
            if resource["Type"] == kind and self._is_made(resource)
        }

    def functions(self) -> dict[str, Node]:
        """As `resources`, with what Globals gives to every function."""
        shared = self.resolve(self._document.get("Globals", {}).get("Function", {}))
        own = self.resources("AWS::Serverless::Function")
        return {name: _merged(shared, properties) for name, properties in own.items()}

    def layer_folder(self, name: str) -> str:
        return str(self.resources("AWS::Serverless::LayerVersion")[name]["ContentUri"])

    def resolve(self, node: Node) -> Node:
        match node:
            case dict():
                pairs = ((key, self.resolve(value)) for key, value in node.items())
                return {key: value for key, value in pairs if value is not NO_VALUE}
            case list():
                values = map(self.resolve, node)
                return [value for value in values if value is not NO_VALUE]
            case _Call():
                return self._resolve_call(node)
        return node

    def _resolve_call(self, call: _Call) -> Node:
        match call:
            case _Call("Ref", str(name)):
                return self._ref(name)
            case _Call("GetAtt", str(dotted)):
                name, attribute = dotted.split(".", 1)
                return f"{self._ref(name)}:{attribute}"
            case _Call("Sub", str(text)):
                return re.sub(r"\$\{([^}]+)\}", self._substitute, text)
            case _Call("Join", [str(separator), items]):
                return separator.join(_text(item) for item in self.resolve(items))
            case _Call("If", [str(condition), yes, no]):
                return self.resolve(yes if self._holds(condition) else no)
        raise TemplateError(f"!{call.name} is not understood here: {call.argument!r}")

    def _is_made(self, resource: Node) -> bool:
        """A resource without a condition always is."""
        return "Condition" not in resource or self._holds(resource["Condition"])

    def _holds(self, condition: str) -> bool:
        if condition not in self._conditions:
            raise TemplateError(f"the template has no condition {condition}")
        return self._is_true(self._conditions[condition])

    def _is_true(self, node: Node) -> bool:
        match node:
            case _Call("Equals", [left, right]):
                return _text(self.resolve(left)) == _text(self.resolve(right))
            case _Call("Not", [one]):
                return not self._is_true(one)
            case _Call("And", [*those]):
                return all(map(self._is_true, those))
            case _Call("Or", [*those]):
                return any(map(self._is_true, those))
            case _Call("Condition", str(name)):
                return self._holds(name)
        raise TemplateError(f"as a condition {node!r} is not understood here")

    def _substitute(self, match: re.Match[str]) -> str:
        name = match[1]
        is_attribute = "." in name
        call = _Call("GetAtt" if is_attribute else "Ref", name)
        return _text(self._resolve_call(call))

    def _ref(self, name: str) -> Node:
        if name in self._parameters:
            return self._parameters[name]
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name == "AWS::NoValue":
            return NO_VALUE
        resource = self._document["Resources"].get(name)
        if resource is not None and self._is_made(resource):
            return name  # locally a resource is called by its logical id
        raise TemplateError(f"!Ref {name}: the template has no such name")


def _parameters(declared: Node, overrides: Mapping[str, str]) -> dict[str, Node]:
    if unknown := sorted(set(overrides) - set(declared)):
        raise TemplateError(f"the template has no parameter {', '.join(unknown)}")
    return {
        name: _parameter(name, declaration, overrides.get(name))
        for name, declaration in declared.items()
    }


def _parameter(name: str, declaration: Node, given: str | None) -> Node:
    text = declaration.get("Default") if given is None else given
    if text is None:
        raise TemplateError(f"parameter {name} needs a value")
    text = _text(text)
    allowed = [_text(value) for value in declaration.get("AllowedValues", [text])]
    if text not in allowed:
        raise TemplateError(f"parameter {name} is one of {', '.join(allowed)}")
    if not re.fullmatch(declaration.get("AllowedPattern", ".*"), text):
        raise TemplateError(f"parameter {name} does not fit {text!r}")
    return _typed(name, declaration["Type"], text)


def _typed(name: str, kind: str, text: str) -> Node:
    match kind:
        case "String":
            return text
        case "Number":
            return _number(name, text)
        case "CommaDelimitedList":
            return [item.strip() for item in text.split(",")] if text else []
    raise TemplateError(f"parameters of type {kind} are not understood here")


def _number(name: str, text: str) -> float:
    """A whole one stays whole: in an environment variable 5 is no 5.0."""
    try:
        number = float(text)
    except ValueError:
        raise TemplateError(f"parameter {name} is a number, not {text!r}") from None
    return int(number) if number.is_integer() else number


def _text(value: Node) -> str:
    """As CloudFormation writes a scalar."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _merged(shared: Node, own: Node) -> Node:
    """SAM's rule for Globals: mappings merge, lists add up, the rest is replaced."""
    if isinstance(shared, dict) and isinstance(own, dict):
        return {
            key: _merged(shared[key], own[key])
            if key in shared and key in own
            else own.get(key, shared.get(key))
            for key in shared | own
        }
    if isinstance(shared, list) and isinstance(own, list):
        return shared + own
    return own


# ── From properties to the local system's words ──────────────────────────────


def _function(name: str, properties: Node, root: Path, scope: _Scope) -> Function:
    layers = [scope.layer_folder(layer) for layer in properties.get("Layers", ())]
    variables = properties.get("Environment", {}).get("Variables", {})
    reserved = properties.get("ReservedConcurrentExecutions")
    return Function(
        name=name,
        handler=properties["Handler"],
        paths=tuple(root / folder for folder in (properties["CodeUri"], *layers)),
        timeout_s=int(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        environment={key: _text(value) for key, value in variables.items()},
        reserved_concurrency=None if reserved is None else int(reserved),
        schedules=tuple(
            _schedule(name, event) for event in _events(properties, "ScheduleV2")
        ),
    )


# What says when, and what is AWS's own concern; any other would change what is sent.
_SCHEDULE_KEYS = {
    *("ScheduleExpression", "ScheduleExpressionTimezone"),
    *("Name", "Description", "FlexibleTimeWindow", "RetryPolicy"),
    *("DeadLetterConfig", "OmitName", "PermissionsBoundary", "RoleArn"),
}


def _schedule(function: str, event: Node) -> Schedule:
    if unknown := sorted(event.keys() - _SCHEDULE_KEYS):
        raise TemplateError(
            f"{function}: {unknown[0]} of a schedule is not understood here"
        )
    timezone = event.get("ScheduleExpressionTimezone", "UTC")
    try:
        return read_schedule(event["ScheduleExpression"], timezone)
    except ScheduleError as error:
        raise TemplateError(f"{function}: {error}") from None


def _events(properties: Node, kind: str) -> list[Node]:
    events = properties.get("Events", {}).values()
    return [event["Properties"] for event in events if event["Type"] == kind]


def _route(function: str, event: Node, api: Node) -> Route:
    method, path = str(event["Method"]).upper(), str(event["Path"])
    if method == "ANY" or "+}" in path:
        raise TemplateError(f"{method} {path}: only exact routes are understood here")
    settings = api.get("DefaultRouteSettings", {}) | api.get("RouteSettings", {}).get(
        f"{method} {path}", {}
    )
    return Route(
        method=method,
        path=path,
        function=function,
        scopes=_scopes(event.get("Auth", {}), api),
        throttle=Throttle(
            rate_per_s=float(settings.get("ThrottlingRateLimit", 10_000)),
            burst=int(settings.get("ThrottlingBurstLimit", 5_000)),
        ),
    )


def _scopes(auth: Node, api: Node) -> tuple[str, ...] | None:
    authorizer = auth.get("Authorizer", api.get("Auth", {}).get("DefaultAuthorizer"))
    if authorizer in (None, "NONE"):
        return None
    return tuple(auth.get("AuthorizationScopes", ()))


def _jwt(api: Node) -> Node:
    authorizers = api.get("Auth", {}).get("Authorizers", {})
    if len(authorizers) > 1:
        raise TemplateError("more than one authorizer is not understood here")
    return next((one["JwtConfiguration"] for one in authorizers.values()), {})


def _cors(configuration: Node) -> Cors | None:
    if configuration is None:
        return None
    return Cors(
        origins=tuple(configuration.get("AllowOrigins", ())),
        methods=tuple(configuration.get("AllowMethods", ())),
        headers=tuple(configuration.get("AllowHeaders", ())),
        exposed_headers=tuple(configuration.get("ExposeHeaders", ())),
        max_age_s=int(configuration.get("MaxAge", 0)),
    )


# What a table's keys, indexes and stream are; what only AWS's own table has (backups,
# encryption, deletion protection) is left out: no local engine takes it.
_TABLE_KEYS = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
)


def _table(name: str, properties: Node) -> dict[str, Any]:
    table = {key: properties[key] for key in _TABLE_KEYS if key in properties}
    if stream := properties.get("StreamSpecification"):
        table["StreamSpecification"] = {"StreamEnabled": True, **stream}
    return {"TableName": properties.get("TableName", name), **table}


def _ttl_attribute(properties: Node) -> str | None:
    name = properties.get("TimeToLiveSpecification", {}).get("AttributeName")
    return None if name is None else str(name)
