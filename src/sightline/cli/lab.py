"""The lab's command: a topic is a command of its own, with its own options."""

import inspect
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from sightline.cli.listing import show
from sightline.cli.options import Json, To

if TYPE_CHECKING:
    from sightline.lab.topic import Option


class Topics(TyperGroup):
    """Commands that are made when they are asked for; the help lists none of them.

    A context is click's, of which typer has its own copy since 0.29.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return []

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand:  # noqa: ARG002
        return _command(cmd_name)


lab = typer.Typer(
    cls=Topics,
    invoke_without_command=True,
    subcommand_metavar="[TOPIC] [--option …]",
    help="See what the books explain: run a topic, look at its pictures. Without a topic, list "
    "them; `sightline lab TOPIC --help` says what can be changed.",
)


@lab.callback()
def listed(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        from sightline.lab import TOPICS

        show(TOPICS, as_json)


def _command(name: str) -> TyperCommand:
    """A command whose options are those of the topic."""
    from sightline.lab import topic as topics

    asked = topics.topic(name)
    found = [_parameter(option) for option in topics.options(asked)]
    for own, kind in (("to", To), ("as_json", Json)):
        default = None if own == "to" else False
        kept = inspect.Parameter.KEYWORD_ONLY
        found.append(inspect.Parameter(own, kept, default=default, annotation=kind))
    call: Any = partial(_run, name)
    call.__signature__ = inspect.Signature(found)
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in found}
    call.__name__ = name
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, help=f"{asked.see} ({asked.source}.)")(call)
    made = typer.main.get_command(app)
    assert isinstance(made, TyperCommand)
    return made


def _parameter(option: "Option") -> inspect.Parameter:
    says = option.says
    shown = typer.Option(
        f"--{option.name.replace('_', '-')}",
        help=f"{says.words[0].upper()}{says.words[1:]}.",
        min=says.least,
        max=says.most,
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=Annotated[option.kind, shown],
    )


def _run(name: str, to: Path | None, as_json: bool, **options: Any) -> None:
    from sightline.lab.carry_out import as_text, carry_out

    outcome = carry_out(name, options, to)
    if as_json:
        print(json.dumps(outcome.to_dict()))
        return
    print(f"{outcome.topic.title}  ({outcome.topic.source})\n{outcome.topic.see}")
    for table in outcome.found.tables:
        print(f"\n{as_text(table)}", end="")
    for note in outcome.found.notes:
        print(f"\n{note}")
    print()
    for file in outcome.files:
        print(outcome.folder / file)
