"""What a Kubeflow backend does with a compiled pipeline, as far as ours uses it: dependencies, CEL, loops, an exit handler."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

import celpy
from celpy.adapter import json_to_cel

Spec = Mapping[str, Any]
_SKIPPED, _SUCCEEDED, _FAILED = "SKIPPED", "SUCCEEDED", "FAILED"
_ALWAYS = "ALL_UPSTREAM_TASKS_COMPLETED"


def holds(condition: str, parameters: Mapping[str, Any]) -> bool:
    """The condition's value, by a CEL of its own: kfp.local has Python evaluate it."""
    environment = celpy.Environment()
    program = environment.program(environment.compile(condition))
    return bool(program.evaluate({"inputs": json_to_cel({"parameter_values": dict(parameters)})}))


class Walk:
    """One walk; `ran` lists the tasks that would get a pod, an exit task with the state that it is given."""

    def __init__(self, spec: Spec, outcomes: Mapping[str, Any]) -> None:
        self._spec, self._outcomes = spec, outcomes
        self.ran: list[str] = []

    def start(self, arguments: Mapping[str, Any]) -> bool:
        """Walk from the root; whether the run succeeded."""
        root = self._spec["root"]
        given = {
            name: arguments.get(name, spec.get("defaultValue")) for name, spec in root["inputDefinitions"]["parameters"].items()
        }
        return self._dag(root["dag"]["tasks"], given) == _SUCCEEDED

    def _dag(self, tasks: Mapping[str, Spec], given: Mapping[str, Any]) -> str:
        states: dict[str, str] = {}
        outputs: dict[tuple[str, str], Any] = {}
        for name in TopologicalSorter({name: task.get("dependentTasks", ()) for name, task in tasks.items()}).static_order():
            task = tasks[name]
            trigger = task.get("triggerPolicy", {})
            before = [states[other] for other in task.get("dependentTasks", ())]
            if trigger.get("strategy") != _ALWAYS and any(state != _SUCCEEDED for state in before):
                states[name] = _SKIPPED
                continue
            parameters = self._parameters(task, given, outputs, states)
            if "condition" in trigger and not holds(trigger["condition"], parameters):
                states[name] = _SKIPPED
                continue
            loop = task.get("parameterIterator")
            turns = [parameters] if loop is None else self._turns(loop, parameters)
            ended = [self._task(name, task, turn) for turn in turns]
            states[name] = _FAILED if _FAILED in ended else _SUCCEEDED
            outputs[name, "Output"] = self._outcomes.get(name, "")
        return _FAILED if _FAILED in states.values() else _SUCCEEDED

    def _task(self, name: str, task: Spec, parameters: Mapping[str, Any]) -> str:
        component = self._spec["components"][task["componentRef"]["name"]]
        if "dag" in component:
            return self._dag(component["dag"]["tasks"], parameters)
        given = [
            parameters[key] for key, value in task.get("inputs", {}).get("parameters", {}).items() if "taskFinalStatus" in value
        ]
        self.ran.append(" ".join([name, *given]))
        return _FAILED if self._outcomes.get("fails") == name else _SUCCEEDED

    @staticmethod
    def _turns(loop: Spec, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{**parameters, loop["itemInput"]: item} for item in parameters[loop["items"]["inputParameter"]]]

    @staticmethod
    def _parameters(
        task: Spec, given: Mapping[str, Any], outputs: Mapping[tuple[str, str], Any], states: Mapping[str, str]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, source in task.get("inputs", {}).get("parameters", {}).items():
            match source:
                case {"componentInputParameter": outer}:
                    found[name] = given[outer]
                case {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": key}}:
                    found[name] = outputs[producer, key]
                case {"taskFinalStatus": {"producerTask": producer}}:
                    found[name] = states[producer]
                case {"runtimeValue": {"constant": value}}:
                    found[name] = value
                case _:
                    raise AssertionError(source)
        return found
